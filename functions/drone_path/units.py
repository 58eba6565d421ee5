"""Units: the planner counts in metres, seconds and radians, its clients in feet, minutes and degrees."""

METRES_PER_FOOT = 0.3048


def metres(feet: float) -> float:
    """Turn feet into metres."""
    return feet * METRES_PER_FOOT


def feet(length: float) -> float:
    """Turn metres into feet."""
    return length / METRES_PER_FOOT
