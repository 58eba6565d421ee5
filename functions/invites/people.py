"""The people of one user pool."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.invites.logic import user_name
from functions.shared.aws import cognito
from functions.shared.outages import was_repeated

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp.type_defs import AttributeTypeTypeDef

INVITED = "FORCE_CHANGE_PASSWORD"
"""Cognito's status of a person who has not signed in yet."""


@dataclass(frozen=True)
class Person:
    """A user of the pool.

    Attributes:
        username: Name in the pool.
        sub: Id, owner of everything the person makes.
        email: Address in lower case.
        handle: Public name, if the person has one.
        invited: Whether the person has an invitation and has not signed in yet.
        enabled: Whether the person may sign in.
    """

    username: str
    sub: str
    email: str
    handle: str | None
    invited: bool
    enabled: bool


@dataclass(frozen=True)
class People:
    """Everybody of the pool.

    Attributes:
        pool_id: Id of the pool.
    """

    pool_id: str

    def find(self, email: str) -> Person | None:
        """Find whoever signs in with an address, or was made for it and does not sign in with another one."""
        person = self._read(email) or self._read(user_name(email))
        return person if person and person.email == email else None

    def add(self, email: str, *, name: str | None, handle: str | None, password: str) -> Person | None:
        """Make a person who signs in with the address and a temporary password.

        Returns:
            The person; None when another request made one for this address meanwhile.
        """
        attributes = {"email": email, "email_verified": "true", "name": name, "preferred_username": handle}
        given = {key: value for key, value in attributes.items() if value is not None}
        person = self._create(user_name(email), given, password)
        if person is None and self.find(email) is None:
            # The name's owner has moved to another address since.
            person = self._create(str(uuid.uuid4()), given, password)
        return person

    def renew_password(self, person: Person, password: str) -> None:
        """Give a person a new temporary password, which lasts as long as the first one did."""
        cognito().admin_set_user_password(
            UserPoolId=self.pool_id, Username=person.username, Password=password, Permanent=False
        )

    def put_in_group(self, person: Person, group: str) -> None:
        """Put a person in a group, or leave the person there."""
        cognito().admin_add_user_to_group(UserPoolId=self.pool_id, Username=person.username, GroupName=group)

    def _read(self, name: str) -> Person | None:
        """Read a person by user name, address or sub."""
        try:
            user = cognito().admin_get_user(UserPoolId=self.pool_id, Username=name)
        except cognito().exceptions.UserNotFoundException:
            return None
        return _person(user["Username"], user["UserAttributes"], user["UserStatus"], enabled=user["Enabled"])

    def _create(self, username: str, attributes: Mapping[str, str], password: str) -> Person | None:
        """Make a user; None when the name or the address is another's."""
        try:
            user = cognito().admin_create_user(
                UserPoolId=self.pool_id,
                Username=username,
                TemporaryPassword=password,
                MessageAction="SUPPRESS",
                UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
            )["User"]
        except (
            cognito().exceptions.UsernameExistsException,
            cognito().exceptions.AliasExistsException,
        ) as error:
            return self._made_before(username, attributes["email"], password) if was_repeated(error) else None
        return _person(user["Username"], user["Attributes"], user["UserStatus"], enabled=user["Enabled"])

    def _made_before(self, username: str, email: str, password: str) -> Person | None:
        """Read a person whom a call made whose answer was lost; None when it is not certain enough.

        Should another request have made the person at the same moment, both of them invite, and the later
        invitation is the one whose password counts.
        """
        person = self._read(username)
        if person is None or person.email != email or not person.invited:
            return None
        self.renew_password(person, password)
        return person


def _person(
    username: str, attributes: "Sequence[AttributeTypeTypeDef]", status: str, *, enabled: bool
) -> Person:
    values = {attribute["Name"]: attribute.get("Value", "") for attribute in attributes}
    return Person(
        username=username,
        sub=values["sub"],
        email=values.get("email", "").lower(),
        handle=values.get("preferred_username") or None,
        invited=status == INVITED,
        enabled=enabled,
    )
