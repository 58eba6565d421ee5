"""Whose account it is, and who is at work in it."""

import re
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from bootstrap.installation import BootstrapError
from local.aws import Clients, clients_in

_SESSION = re.compile(r"arn:aws:sts::(?P<account>\d{12}):assumed-role/(?P<role>[^/]+)/.+")


@dataclass(frozen=True)
class Account:
    """The account that the credentials are for.

    Attributes:
        number: Its number.
        caller: ARNs that policies know the caller by: a role's path is not told, so it may have any.
        clients: Clients of its services in the region.
    """

    number: str
    caller: tuple[str, ...]
    clients: Clients

    @classmethod
    def open(cls, region: str, *, expected: str | None = None) -> "Account":
        """Look whose credentials they are; they come as for the AWS command line.

        Args:
            region: The region.
            expected: Number that the account must have.

        Raises:
            BootstrapError: There are no credentials, AWS does not take them, or they are another account's.
        """
        clients = clients_in(region)
        try:
            identity = clients("sts").get_caller_identity()
        except NoCredentialsError as error:
            raise BootstrapError(
                "there are no AWS credentials: `aws login`, `aws sso login`, or the variables AWS_PROFILE or "
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY give some"
            ) from error
        except (ClientError, BotoCoreError) as error:
            raise BootstrapError(f"AWS does not say whose credentials these are: {error}") from error
        number, arn = identity["Account"], identity["Arn"]
        if expected is not None and number != expected:
            raise BootstrapError(
                f"the credentials are for the account {number}, and --account says {expected}"
            )
        return cls(number, principals(arn), clients)


def principals(arn: str) -> tuple[str, ...]:
    """ARNs of users and roles that a caller's ARN may stand for."""
    session = _SESSION.fullmatch(arn)
    if session is None:
        return (arn,)
    return tuple(f"arn:aws:iam::{session['account']}:role/{path}{session['role']}" for path in ("", "*/"))
