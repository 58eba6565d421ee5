"""Makes a whole capture in a folder."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from PIL import Image

from local.capture.camera import Intrinsics, posed
from local.capture.flight import Shot, fly_plan
from local.capture.metadata import Attitude, exif_bytes, xmp_bytes
from local.capture.photo import add_sensor_noise, expose, to_bytes
from local.capture.render import render
from local.capture.scene import Scene, build_scene
from local.capture.settings import CaptureSettings
from local.capture.truth import FLIGHT_PLAN, PhotoTruth, describe, draw_photo_truths, write_depth

Progress = Callable[[float, str], None]

PHOTOS = "photos"
HELDOUT = "heldout"
DEPTH = "depth"
TRUTH = "truth.json"
JPEG_QUALITY = 92
# The shares of the time that building the scene and taking the photos have, about.
SCENE_SHARE = 0.4
# Each photo in the making takes some 60 MB.
MOST_WORKERS = 8


def _write_photo(
    folder: Path, scene: Scene, lens: Intrinsics, photo: PhotoTruth, settings: CaptureSettings
) -> str:
    shot = photo.shot
    image, depth = render(scene, posed(lens, shot.pose), settings.antialiasing)
    rng = np.random.default_rng([settings.seed, 40, photo.index])
    exposed = add_sensor_noise(expose(image, photo.exposure_ev), settings.noise, rng)
    roll, pitch, yaw = rng.normal(size=3) * (2.0, 2.0, 1.0)
    airframe = Attitude(shot.pose.yaw + yaw, pitch, roll)
    Image.fromarray(to_bytes(exposed)).save(
        folder / PHOTOS / f"{shot.name}.jpg",
        format="JPEG",
        quality=JPEG_QUALITY,
        subsampling="4:4:4",
        exif=exif_bytes(lens, photo.gps_noisy, photo.index, photo.exposure_ev),
        xmp=xmp_bytes(shot.pose, airframe, photo.gps_noisy, photo.index),
    )
    write_depth(folder / DEPTH / f"{shot.name}.npz", depth)
    return shot.name


def _write_view(folder: Path, scene: Scene, lens: Intrinsics, shot: Shot, settings: CaptureSettings) -> str:
    image, _ = render(scene, posed(lens, shot.pose), settings.antialiasing)
    Image.fromarray(to_bytes(image)).save(folder / HELDOUT / f"{shot.name}.png")
    return shot.name


def generate(folder: Path, settings: CaptureSettings, flight_plan: str, on_progress: Progress) -> None:
    """Makes a capture in a folder that exists and is empty.

    It holds photos/, heldout/, depth/, flight-plan.csv and truth.json.

    Args:
        folder: Where to write.
        settings: What the capture is like.
        flight_plan: The Litchi CSV that is flown.
        on_progress: Called in this thread with the fraction done and a few words.
    """
    for name in (PHOTOS, HELDOUT, DEPTH):
        (folder / name).mkdir()
    shots = fly_plan(settings, flight_plan)
    photos = draw_photo_truths(shots, settings)
    heldout = [shot for shot in shots if shot.kind == "heldout"]
    lens = Intrinsics(settings.width, settings.height, settings.focal_px, settings.distortion)
    heldout_lens = Intrinsics(settings.width, settings.height, settings.focal_px)
    scene = build_scene(
        settings.seed,
        settings.sharpest_metres_per_pixel,
        lambda fraction, words: on_progress(SCENE_SHARE * fraction, words),
    )
    on_progress(SCENE_SHARE, "Taking photos")
    with ThreadPoolExecutor(min(MOST_WORKERS, os.cpu_count() or 1)) as pool:
        jobs = [pool.submit(_write_photo, folder, scene, lens, photo, settings) for photo in photos]
        jobs += [pool.submit(_write_view, folder, scene, heldout_lens, shot, settings) for shot in heldout]
        try:
            for done, job in enumerate(as_completed(jobs), 1):
                share = SCENE_SHARE + (1.0 - SCENE_SHARE) * done / len(jobs)
                on_progress(share, f"Took {job.result()}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    truth = describe(settings, photos, heldout, lens, heldout_lens)
    (folder / FLIGHT_PLAN).write_text(flight_plan)
    (folder / TRUTH).write_text(json.dumps(truth, indent=1) + "\n")
