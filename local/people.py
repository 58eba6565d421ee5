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
        name: The name in the pool, which is not what the person signs in with.
        tokens: What the person got.
    """

    sub: str
    name: str
    tokens: client.Tokens

    @property
    def token(self) -> str:
        """The ID token."""
        return self.tokens.identity


def sign_in_new(
    cognito: Any,  # noqa: ANN401 - boto3 clients are made at run time
    addresses: client.Addresses,
    email: str,
    *,
    group: str | None = None,
) -> SignedIn:
    """Invites a person, without a mail, and signs the person in for the first time: both or none.

    Args:
        cognito: A boto3 `cognito-idp` client with the account's keys.
        addresses: Where the user pool is.
        email: An address that nobody has in the pool.
        group: A group of the pool that the person is to be in.
    """
    # Not the address itself: AWS refuses that in a pool whose people sign in with it.
    name = str(uuid.uuid4())
    person = {"UserPoolId": addresses.user_pool_id, "Username": name}
    invited = _password()
    made = cognito.admin_create_user(
        **person,
        TemporaryPassword=invited,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
    )
    try:
        if group:
            cognito.admin_add_user_to_group(**person, GroupName=group)
        tokens = client.sign_in(cognito, addresses, email=email, password=invited, new_password=_password())
    except BaseException:
        remove(cognito, addresses, name)
        raise
    attributes = {one["Name"]: one["Value"] for one in made["User"]["Attributes"]}
    return SignedIn(attributes["sub"], name, tokens)


def remove(cognito: Any, addresses: client.Addresses, name: str) -> None:  # noqa: ANN401 - as above
    """Takes a person out of the pool, by the name there; what belongs to the person stays."""
    cognito.admin_delete_user(UserPoolId=addresses.user_pool_id, Username=name)


def _password() -> str:
    return f"Aa1-{secrets.token_urlsafe(12)}"
