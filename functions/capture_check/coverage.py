"""What ground a capture sees, estimated from where its photos were taken, how high, and in what direction.

The ground is taken to be flat. It is cut into square cells; a photo sees the cells whose centres are in its
field of view and not too far away. A photo that does not tell its direction is taken to look straight down,
with its upper edge in the direction of flight.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from functions.capture_check.metadata import FILM_DIAGONAL_MM, PhotoFacts, Place

EARTH_RADIUS_M = 6_371_008.8
USUAL_FOCAL_35MM = 24.0
"""Of most drones' cameras; taken where photos do not tell theirs."""
MIN_HEIGHT_M = 2.0
"""Below, a photo was taken by hand or the drone stood on the ground."""
LOWEST_FLIGHT_M = 10.0
"""Height of the lowest photo where only altitudes are known."""
MIN_CLIMB_M = 15.0
"""Altitudes that differ by less tell nothing of the height over ground."""
MAX_REACH = 3.0
"""How far away ground is of use, in heights above it: farther, it is seen at less than 18 degrees."""
CELLS_ACROSS = 10
"""Cells along the shorter side of what a photo of the middle height sees."""
MIN_CELL_M = 0.1
MAX_CELLS_ACROSS = 400
"""Of one photo's window: one taken far higher than the others sees no more than this of the map."""
SEEN_WELL = 3
"""Photos that must see a place to fix its shape with one to spare."""
MIN_PLACES = 3
MIN_GAP_M = 100.0
GAP_HEIGHTS = 6.0
"""Photos farther apart than so many heights see no common ground."""
_ROW = 1 << 31

HeightsFrom = Literal["drone", "lowest photo"]
Cells = npt.NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """A photo's place and direction.

    Attributes:
        east: Metres from the capture's middle.
        north: As above.
        height: Metres over the ground.
        yaw: Degrees clockwise from north.
        pitch: Degrees over the horizon.
        half_width: Tangent of half the horizontal field of view.
        half_height: Tangent of half the vertical one.
    """

    east: float
    north: float
    height: float
    yaw: float
    pitch: float
    half_width: float
    half_height: float


@dataclass(frozen=True)
class Coverage:
    """What ground a capture sees.

    Attributes:
        area_m2: Of the ground that any photo sees.
        mean_views: Photos that see a covered cell, on the mean.
        share_seen_well: Share of the covered cells that three photos or more see.
        forward_overlap: Share of what a photo sees that the next one also sees, the middle of all pairs.
        median_height_m: Height over ground.
        heights_from: What the heights come from: the drone, or altitudes over that of the lowest photo.
        directions_told: Whether the photos tell where they look.
        focal_told: Whether they tell their focal length.
        photos: How many could be placed.
        sites: Groups of photos too far apart to see common ground, by size.
        site_distance_m: Between the two largest of them, None with one.
    """

    area_m2: float
    mean_views: float
    share_seen_well: float
    forward_overlap: float | None
    median_height_m: float
    heights_from: HeightsFrom
    directions_told: bool
    focal_told: bool
    photos: int
    sites: tuple[int, ...]
    site_distance_m: float | None

    def described(self) -> dict[str, Any]:
        """Give it as JSON."""
        overlap = self.forward_overlap
        return {
            "areaM2": round(self.area_m2),
            "meanViews": round(self.mean_views, 1),
            "shareSeenByThree": round(self.share_seen_well, 3),
            "forwardOverlap": None if overlap is None else round(overlap, 3),
            "medianHeightM": round(self.median_height_m, 1),
            "heightsFrom": self.heights_from,
            "viewingDirections": "told" if self.directions_told else "taken to be straight down",
            "fieldOfView": "told" if self.focal_told else "taken to be the usual one",
            "photos": self.photos,
            "sites": list(self.sites[:5]),
        }


class UnknownCoverageError(Exception):
    """The photos do not tell enough; the message says what is missing."""


def estimate(facts: Sequence[PhotoFacts]) -> Coverage:
    """Estimate what ground a capture sees.

    Args:
        facts: What its photos tell, in the order of their names.

    Raises:
        UnknownCoverageError: They do not tell enough.
    """
    placed = [(one, one.place) for one in facts if one.place is not None]
    if len(placed) < MIN_PLACES:
        raise UnknownCoverageError("too few photos tell where they were taken (GPS)")
    placed.sort(key=lambda one: (one[0].taken_at is None, str(one[0].taken_at)))
    heights, heights_from = _heights(placed)
    middle = _middle([place for _, place in placed])
    positions = [_metres(place, middle) for _, place in placed]
    views = [
        _view(one, position, height, _course(positions, index))
        for index, ((one, _), position, height) in enumerate(zip(placed, positions, heights, strict=True))
        if height is not None and height >= MIN_HEIGHT_M
    ]
    if len(views) < MIN_PLACES:
        raise UnknownCoverageError("the photos were not taken from above the ground")
    median_height = float(np.median([view.height for view in views]))
    cell = _cell_size(views)
    seen = [_cells_seen(view, cell) for view in views]
    cells, counts = np.unique(np.concatenate(seen), return_counts=True)
    if not len(cells):
        raise UnknownCoverageError("the photos do not look at the ground")
    sites = _sites([(view.east, view.north) for view in views], max(MIN_GAP_M, GAP_HEIGHTS * median_height))
    return Coverage(
        area_m2=len(cells) * cell**2,
        mean_views=float(counts.mean()),
        share_seen_well=float((counts >= SEEN_WELL).mean()),
        forward_overlap=_forward_overlap(seen),
        median_height_m=median_height,
        heights_from=heights_from,
        directions_told=any(one.pitch is not None for one, _ in placed),
        focal_told=any(one.focal_35mm is not None for one, _ in placed),
        photos=len(views),
        sites=tuple(len(site) for site in sites),
        site_distance_m=math.dist(_centre(sites[0]), _centre(sites[1])) if len(sites) > 1 else None,
    )


def _heights(placed: Sequence[tuple[PhotoFacts, Place]]) -> tuple[list[float | None], HeightsFrom]:
    """Give the heights over ground, and what they come from."""
    told = [one.height_m for one, _ in placed]
    if 2 * sum(height is not None for height in told) >= len(told):
        return told, "drone"
    altitudes = [place.altitude_m for _, place in placed]
    known = [altitude for altitude in altitudes if altitude is not None]
    if not known:
        raise UnknownCoverageError("the photos do not tell how high they were taken")
    lowest = min(known)
    if max(known) - lowest < MIN_CLIMB_M:
        raise UnknownCoverageError(
            "the photos tell their height over the sea only, which is the same for all of them"
        )
    return [None if one is None else one - lowest + LOWEST_FLIGHT_M for one in altitudes], "lowest photo"


def _middle(places: Sequence[Place]) -> Place:
    # The median, as one wrong position must not stretch the map; longitudes are counted from the first one.
    first = places[0].longitude
    longitudes = [_turned(place.longitude - first) for place in places]
    return Place(
        float(np.median([place.latitude for place in places])), first + float(np.median(longitudes)), None
    )


def _metres(place: Place, middle: Place) -> tuple[float, float]:
    east = math.radians(_turned(place.longitude - middle.longitude)) * math.cos(math.radians(middle.latitude))
    return EARTH_RADIUS_M * east, EARTH_RADIUS_M * math.radians(place.latitude - middle.latitude)


def _turned(degrees: float) -> float:
    return (degrees + 180.0) % 360.0 - 180.0


def _course(positions: Sequence[tuple[float, float]], index: int) -> float:
    """Give the direction of flight at a photo: from the one before to the one after."""
    before, after = positions[max(0, index - 1)], positions[min(len(positions) - 1, index + 1)]
    return math.degrees(math.atan2(after[0] - before[0], after[1] - before[1]))


def _view(facts: PhotoFacts, position: tuple[float, float], height: float, course: float) -> View:
    across = (
        FILM_DIAGONAL_MM / 2 / (facts.focal_35mm or USUAL_FOCAL_35MM) / math.hypot(facts.width, facts.height)
    )
    told = facts.yaw is not None and facts.pitch is not None
    return View(
        east=position[0],
        north=position[1],
        height=height,
        yaw=facts.yaw if told and facts.yaw is not None else course,
        pitch=facts.pitch if told and facts.pitch is not None else -90.0,
        half_width=across * facts.width,
        half_height=across * facts.height,
    )


def _cell_size(views: Sequence[View]) -> float:
    sides = [2 * view.height * min(view.half_width, view.half_height) for view in views]
    return max(MIN_CELL_M, float(np.median(sides)) / CELLS_ACROSS)


def _cells_seen(view: View, cell: float) -> Cells:
    """Give the cells that a photo sees, as numbers that are the same for all photos, in order."""
    straight_down = math.hypot(view.half_width, view.half_height)
    reach = view.height * max(straight_down, MAX_REACH if view.pitch > -89.0 else 0.0)  # noqa: PLR2004 -- degrees
    reach = min(reach, cell * MAX_CELLS_ACROSS / 2)
    columns = np.arange(math.floor((view.east - reach) / cell), math.ceil((view.east + reach) / cell) + 1)
    rows = np.arange(math.floor((view.north - reach) / cell), math.ceil((view.north + reach) / cell) + 1)
    east = ((columns + 0.5) * cell - view.east)[:, None]
    north = ((rows + 0.5) * cell - view.north)[None, :]
    yaw, pitch = math.radians(view.yaw), math.radians(view.pitch)
    ahead = east * math.sin(yaw) + north * math.cos(yaw)
    x = east * math.cos(yaw) - north * math.sin(yaw)
    y = -ahead * math.sin(pitch) - view.height * math.cos(pitch)
    depth = ahead * math.cos(pitch) - view.height * math.sin(pitch)
    inside = (depth > 0) & (np.abs(x) <= depth * view.half_width) & (np.abs(y) <= depth * view.half_height)
    inside &= np.hypot(east, north) <= reach
    column, row = np.nonzero(inside)
    return np.asarray(columns[column] * _ROW + rows[row], dtype=np.int64)


def _forward_overlap(seen: Sequence[Cells]) -> float | None:
    shares = [
        len(np.intersect1d(one, following, assume_unique=True)) / len(one)
        for one, following in pairwise(seen)
        if len(one)
    ]
    return float(np.median(shares)) if shares else None


def _sites(positions: Sequence[tuple[float, float]], gap: float) -> list[list[tuple[float, float]]]:
    """Group positions between which no gap is wider than so many metres, roughly; the largest group first."""
    squares: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for position in positions:
        squares.setdefault((math.floor(position[0] / gap), math.floor(position[1] / gap)), []).append(
            position
        )
    sites = []
    while squares:
        reached = [next(iter(squares))]
        site: list[tuple[float, float]] = []
        while reached:
            column, row = reached.pop()
            site += squares.pop((column, row), [])
            around = ((column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
            reached += [square for square in around if square in squares]
        sites.append(site)
    return sorted(sites, key=len, reverse=True)


def _centre(site: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return float(np.mean([east for east, _ in site])), float(np.mean([north for _, north in site]))
