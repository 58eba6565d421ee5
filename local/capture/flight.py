"""The flight: where the photos are taken from."""

import math
from dataclasses import dataclass

import numpy as np

from local.capture.camera import Pose, looking_at
from local.capture.settings import CaptureSettings

ORBIT_RADIUS_M = 30.0
ORBIT_HEIGHT_M = 20.0
NADIR_HEIGHT_M = 35.0
NADIR_STEP_M = 9.0
NADIR_ROW_M = 13.0
# Angle in radians, radius and height in metres of the held-out views.
HELDOUT = ((0.6, 28.0, 19.0), (2.2, 31.0, 22.0), (4.0, 27.0, 17.0), (5.3, 30.0, 21.0))


@dataclass(frozen=True)
class Shot:
    """One view: its file's name without suffix, its kind (orbit, nadir or heldout), its pose."""

    name: str
    kind: str
    pose: Pose


def _orbit(count: int, rng: np.random.Generator) -> list[Pose]:
    poses = []
    for index in range(count):
        angle = 2.0 * math.pi * index / count + 0.03 * rng.normal()
        radius = ORBIT_RADIUS_M + 0.6 * rng.normal()
        height = ORBIT_HEIGHT_M + 0.5 * rng.normal()
        centre = np.array([radius * math.cos(angle), radius * math.sin(angle), height])
        target = np.array([0.0, 0.0, 1.0]) + rng.normal(size=3) * (0.5, 0.5, 0.3)
        poses.append(looking_at(centre, target, roll=0.3 * rng.normal()))
    return poses


def _nadir(count: int, rng: np.random.Generator) -> list[Pose]:
    """Two rows, flown there and back."""
    poses = []
    columns = math.ceil(count / 2)
    for index in range(count):
        row, step = divmod(index, columns)
        way = 1.0 if row == 0 else -1.0
        east = way * (step - (columns - 1) / 2) * NADIR_STEP_M
        centre = np.array([east, (row - 0.5) * NADIR_ROW_M, NADIR_HEIGHT_M]) + rng.normal(size=3) * (
            0.5,
            0.5,
            0.3,
        )
        yaw = 90.0 * way + 2.0 * rng.normal()
        poses.append(Pose(tuple(centre.tolist()), yaw, -89.9 + 0.2 * rng.random(), 0.5 * rng.normal()))
    return poses


def _heldout(count: int, rng: np.random.Generator) -> list[Pose]:
    poses = []
    for index in range(count):
        angle, radius, height = HELDOUT[index % len(HELDOUT)]
        angle += 0.7 * (index // len(HELDOUT)) + 0.02 * rng.normal()
        centre = np.array([radius * math.cos(angle), radius * math.sin(angle), height])
        poses.append(looking_at(centre, np.array([0.3, -0.2, 1.0])))
    return poses


def plan_flight(settings: CaptureSettings) -> list[Shot]:
    """Returns all photos in the order they are taken, then the held-out views."""
    rng = np.random.default_rng([settings.seed, 20])
    photos = [("orbit", pose) for pose in _orbit(settings.orbit_photos, rng)]
    photos += [("nadir", pose) for pose in _nadir(settings.nadir_photos, rng)]
    shots = [Shot(f"DJI_{number:04d}", kind, pose) for number, (kind, pose) in enumerate(photos, 1)]
    heldout = _heldout(settings.heldout_views, np.random.default_rng([settings.seed, 21]))
    return shots + [Shot(f"view_{number:02d}", "heldout", pose) for number, pose in enumerate(heldout, 1)]
