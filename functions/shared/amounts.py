"""Time and money in words."""

SECONDS_PER_MINUTE, MINUTES_PER_HOUR = 60, 60
SHORTEST_IN_MINUTES = 90
"""Seconds from which on a time is told in minutes."""
CENT = 0.01


def duration(seconds: float) -> str:
    """Say how long something takes, as people do: `40 seconds`, `42 minutes`, `2 h 5 min`."""
    if seconds < SHORTEST_IN_MINUTES:
        return _count(round(seconds), "second")
    minutes = round(seconds / SECONDS_PER_MINUTE)
    if minutes < 2 * MINUTES_PER_HOUR:
        return _count(minutes, "minute")
    hours, rest = divmod(minutes, MINUTES_PER_HOUR)
    return f"{hours} h {rest} min" if rest else f"{hours} hours"


def dollars(usd: float) -> str:
    """Say an amount: `$1.80`, `less than $0.01`."""
    return "less than $0.01" if 0 < usd < CENT / 2 else f"${usd:,.2f}"


def about_dollars(usd: float) -> str:
    """Say an amount that is rounded: `about $1.80`, `less than $0.01`."""
    words = dollars(usd)
    return words if words.startswith("less") else f"about {words}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
