"""User names and temporary passwords."""

import secrets
import uuid

PASSWORD_CHARACTERS = 16
# Without what people mistake for each other: 0 O, 1 l I.
_KINDS = ("abcdefghijkmnopqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789")
_SYMBOLS = "-_"


def user_name(email: str) -> str:
    """Name the user of an address in the pool.

    The name follows from the address, so that two invitations at once make one user. It cannot be the address
    itself: a pool that lets people sign in with their address takes no user names of that form.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}"))


def temporary_password() -> str:
    """Make a password that has every kind of character that a pool can want."""
    characters = [secrets.choice(kind) for kind in (*_KINDS, _SYMBOLS)]
    characters += [secrets.choice("".join(_KINDS)) for _ in range(PASSWORD_CHARACTERS - len(characters))]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)
