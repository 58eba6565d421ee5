"""Which photos are compared, and the comparison."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pycolmap

from spaceport_sfm.options import SfmOptions
from spaceport_sfm.photos import GpsPosition, Photo
from spaceport_sfm.probes import RowCount
from spaceport_sfm.sink import ProgressSink

SEQUENCE_OVERLAP = 12
"""Photos after each one in time that are compared where positions are unknown."""
SEQUENCE_HUB_STEP = 10
"""Every tenth photo is then compared with all, so that the strips of a flight find each other."""
PAIRS_PER_BLOCK = 200

Pair = tuple[int, int]


def choose_pairs(photos: Sequence[Photo], options: SfmOptions) -> list[Pair]:
    """The pairs of photos to compare, as indices (first < second), in a fixed order.

    All pairs of a small capture; of a large one each photo with its nearest by GPS. Photos without a position
    are compared with those taken near in time, and every tenth photo with all.
    """
    count = len(photos)
    exhaustive = options.matching == "exhaustive" or (
        options.matching == "auto" and count <= options.exhaustive_limit
    )
    if exhaustive:
        return list(itertools.combinations(range(count), 2))
    pairs = _near_in_space(photos, options.num_neighbors)
    if any(photo.metadata.gps is None for photo in photos):
        pairs |= _near_in_time(photos)
    return sorted(pairs)


def match_pairs(
    database: Path,
    photos: Sequence[Photo],
    pairs: Sequence[Pair],
    options: SfmOptions,
    progress: ProgressSink,
) -> int:
    """Matches the features of the pairs and checks each pair's geometry.

    Returns:
        The number of pairs that show the same thing.
    """
    listing = database.with_name("pairs.txt")
    listing.write_text("".join(f"{photos[a].name} {photos[b].name}\n" for a, b in pairs), encoding="utf-8")
    matching = pycolmap.FeatureMatchingOptions()
    matching.num_threads = options.num_threads
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = listing
    pairing.block_size = PAIRS_PER_BLOCK
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = options.seed
    line = "Comparing photos: {done} of {total} pairs"
    with progress.watched(RowCount(database, "two_view_geometries"), len(pairs), line):
        pycolmap.match_image_pairs(
            database, matching_options=matching, pairing_options=pairing, verification_options=verification
        )
    with pycolmap.Database.open(database) as db:
        return int(db.num_verified_image_pairs())


def enu_positions(positions: Sequence[GpsPosition], origin: GpsPosition) -> np.ndarray:
    """East, north and up of WGS84 positions from an origin, in metres: [N, 3]."""
    degrees = np.array([[p.latitude, p.longitude, p.altitude_m] for p in positions], dtype=np.float64)
    transform = pycolmap.GPSTransform(pycolmap.GPSTransformEllipsoid.WGS84)
    enu = transform.ellipsoid_to_enu(
        degrees.reshape(-1, 3), origin.latitude, origin.longitude, origin.altitude_m
    )
    return np.asarray(enu, dtype=np.float64)


def _near_in_space(photos: Sequence[Photo], neighbors: int) -> set[Pair]:
    located = [index for index, photo in enumerate(photos) if photo.metadata.gps is not None]
    positions = [photo.metadata.gps for photo in photos if photo.metadata.gps is not None]
    if not positions:
        return set()
    enu = enu_positions(positions, positions[0])
    pairs: set[Pair] = set()
    for row, index in enumerate(located):
        distances = np.linalg.norm(enu - enu[row], axis=1)
        for other in np.argsort(distances, kind="stable")[: neighbors + 1]:
            if other != row:
                pairs.add(_ordered(index, located[other]))
    return pairs


def _near_in_time(photos: Sequence[Photo]) -> set[Pair]:
    order = sorted(
        range(len(photos)), key=lambda index: (photos[index].metadata.taken_at, photos[index].name)
    )
    pairs: set[Pair] = set()
    for place, index in enumerate(order):
        for other in order[place + 1 : place + 1 + SEQUENCE_OVERLAP]:
            pairs.add(_ordered(index, other))
    for hub in order[::SEQUENCE_HUB_STEP]:
        pairs |= {_ordered(hub, other) for other in order if other != hub}
    return pairs


def _ordered(first: int, second: int) -> Pair:
    return (first, second) if first < second else (second, first)
