"""People who may sign in to the deployed program, invited with the account's own keys."""

import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from local import client


@dataclass(frozen=True)
class SignedIn:
    """A person who has signed in.

    Attributes:
        sub: The person's id.
        token: The ID token.
    """

    sub: str
    token: str


def sign_in_new(
    cognito: Any,  # noqa: ANN401 - boto3 clients are made at run time
    addresses: client.Addresses,
    email: str,
    *,
    group: str | None = None,
) -> SignedIn:
    """Invites a person, without a mail, and signs the person in for the first time.

    Args:
        cognito: A boto3 `cognito-idp` client with the account's keys.
        addresses: Where the user pool is.
        email: An address that nobody has in the pool.
        group: A group of the pool that the person is to be in.
    """
    # Not the address itself: AWS refuses that in a pool whose people sign in with it.
    person = {"UserPoolId": addresses.user_pool_id, "Username": str(uuid.uuid4())}
    invited = _password()
    made = cognito.admin_create_user(
        **person,
        TemporaryPassword=invited,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
    )
    if group:
        cognito.admin_add_user_to_group(**person, GroupName=group)
    attributes = {one["Name"]: one["Value"] for one in made["User"]["Attributes"]}
    token = client.sign_in(cognito, addresses, email=email, password=invited, new_password=_password())
    return SignedIn(attributes["sub"], token)


def _password() -> str:
    return f"Aa1-{secrets.token_urlsafe(12)}"
