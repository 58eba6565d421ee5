"""What is true of a capture, to be kept beside it: truth.json and depth maps."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from local.capture.arrays import Singles
from local.capture.camera import Intrinsics
from local.capture.flight import Shot
from local.capture.jit import VERSION
from local.capture.metadata import Position, taken_at
from local.capture.settings import CaptureSettings
from local.capture.world import to_world

DEPTH_UNIT_M = 0.005
FLIGHT_PLAN = "flight-plan.csv"


@dataclass(frozen=True)
class PhotoTruth:
    """What is true of one photo.

    Attributes:
        shot: Its name and pose.
        index: Its place in the order of the flight.
        exposure_ev: By how much it is brighter than the scene.
        gps: Where it was taken.
        gps_noisy: What its EXIF says.
        gps_noise_m: The difference east, north and up.
    """

    shot: Shot
    index: int
    exposure_ev: float
    gps: Position
    gps_noisy: Position
    gps_noise_m: tuple[float, float, float]


def draw_photo_truths(shots: list[Shot], settings: CaptureSettings) -> list[PhotoTruth]:
    """Draws the exposures and the GPS noise of the photos among the shots.

    The exposures are spread evenly over the allowed range, in random order, so that their mean is 0.
    """
    photos = [shot for shot in shots if shot.kind != "heldout"]
    rng = np.random.default_rng([settings.seed, 30])
    noise = rng.normal(size=(len(photos), 3)) * settings.gps_sigma_m
    steps = np.linspace(-1.0, 1.0, len(photos)) if len(photos) > 1 else np.zeros(1)
    exposures = rng.permutation(steps) * settings.exposure_ev
    centres = np.array([shot.pose.centre for shot in photos])
    return [
        PhotoTruth(shot, index, float(exposure), gps, gps_noisy, (float(east), float(north), float(up)))
        for index, (shot, exposure, gps, gps_noisy, (east, north, up)) in enumerate(
            zip(
                photos,
                exposures,
                to_world(centres, settings),
                to_world(centres + noise, settings),
                noise,
                strict=True,
            )
        )
    ]


def _camera(intrinsics: Intrinsics) -> dict[str, object]:
    return {
        "model": intrinsics.model,
        "width": intrinsics.width,
        "height": intrinsics.height,
        "params": intrinsics.params,
    }


def _pose(shot: Shot) -> dict[str, object]:
    return {
        "kind": shot.kind,
        "center": list(shot.pose.centre),
        "cam_from_world": shot.pose.cam_from_world.tolist(),
        "gimbal": {"yaw": shot.pose.yaw, "pitch": shot.pose.pitch, "roll": shot.pose.roll},
    }


def describe(
    settings: CaptureSettings,
    photos: list[PhotoTruth],
    heldout: list[Shot],
    photo_lens: Intrinsics,
    heldout_lens: Intrinsics,
) -> dict[str, object]:
    """Returns the content of truth.json.

    Cameras are COLMAP's models; cam_from_world is 4x4 row-major with OpenCV axes; world and `center` are
    metres east, north and up of the origin. Photos are files in photos/, views are files in heldout/.
    """
    return {
        "generator": VERSION,
        "settings": asdict(settings),
        "frame": "metres east, north, up of the origin; cam_from_world has OpenCV axes",
        "origin": {
            "latitude": settings.latitude,
            "longitude": settings.longitude,
            "altitude_m": settings.altitude_m,
        },
        "flight_plan": FLIGHT_PLAN,
        "camera": _camera(photo_lens),
        "heldout_camera": _camera(heldout_lens),
        "depth_unit_m": DEPTH_UNIT_M,
        "photos": [
            {
                "name": f"{photo.shot.name}.jpg",
                **_pose(photo.shot),
                "exposure_ev": photo.exposure_ev,
                "gps": asdict(photo.gps),
                "gps_noisy": asdict(photo.gps_noisy),
                "gps_noise_m": list(photo.gps_noise_m),
                "taken_at": taken_at(photo.index).isoformat(),
                "depth": f"depth/{photo.shot.name}.npz",
            }
            for photo in photos
        ],
        "heldout": [{"name": f"{shot.name}.png", **_pose(shot)} for shot in heldout],
    }


def write_depth(path: Path, depth: Singles) -> None:
    """Writes a depth map [H, W] in metres along the optical axis, 0 where there is none, as uint16 steps."""
    steps = np.rint(depth / DEPTH_UNIT_M)
    steps[steps > np.iinfo(np.uint16).max] = 0
    np.savez_compressed(path, depth=steps.astype(np.uint16))


def read_depth(path: Path) -> Singles:
    """Reads a depth map [H, W] of a capture: metres along the optical axis, 0 where there is none."""
    with np.load(path) as stored:
        depth: Singles = stored["depth"].astype(np.float32) * np.float32(DEPTH_UNIT_M)
    return depth
