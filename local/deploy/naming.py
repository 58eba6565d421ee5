"""Physical names, as Pulumi makes them: logical name, dash, seven random hexadecimal digits."""

import secrets

RANDOM_DIGITS = 7


def auto_name(logical: str, *, limit: int, lower: bool = False, suffix: str = "") -> str:
    """Makes a physical name that is not used yet.

    Args:
        logical: The resource's name in the program.
        limit: Longest name that the service takes.
        lower: Whether the service takes lower case only.
        suffix: What the name must end in, such as `.fifo`.

    Raises:
        ValueError: The name would be too long, as it would be on AWS.
    """
    name = f"{logical}-{secrets.token_hex(RANDOM_DIGITS)[:RANDOM_DIGITS]}{suffix}"
    if len(name) > limit:
        raise ValueError(f"the name {name!r} has {len(name)} characters, and {limit} are the most here")
    return name.lower() if lower else name
