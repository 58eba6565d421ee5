"""The time, in the units of the tables."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Give epoch milliseconds."""
    return time.time_ns() // 1_000_000


def now_seconds() -> int:
    """Give epoch seconds."""
    return int(time.time())


def to_ms(moment: datetime) -> int:
    """Give a moment in epoch milliseconds."""
    return round(moment.timestamp() * 1000)


def iso(milliseconds: int) -> str:
    """Write epoch milliseconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def parse_iso_ms(text: str) -> int:
    """Read an ISO 8601 time as epoch milliseconds; without an offset it is UTC.

    Raises:
        ValueError: The text is no such time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return to_ms(moment)
