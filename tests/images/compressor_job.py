"""What the training step leaves, made of the landmark scene, and the compressor run on it."""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from spaceport_compressor.job import OUTPUT, STAGES, compress
from spaceport_compressor.options import CompressorOptions
from spaceport_compressor.rendering import render_photo
from spaceport_job.paths import JobPaths
from spaceport_job.records import Camera, CameraSet, Georeference, Origin, Report, Similarity, write_json
from spaceport_job.run import run_processing
from spaceport_splat.splats import Splats, write_ply

from tests.images.compressor_scene import MODEL_FROM_ENU, landmark_scene, orbit_cameras

# A little east of south, so that no axis of the frame is special.
CAMERAS = orbit_cameras(start=0.35)
GEOREFERENCE = Georeference(
    source="exif_gps",
    origin=Origin(latitude=47.5, longitude=8.25, altitude_m=430.0),
    model_to_enu=Similarity(
        scale=1.0,
        rotation=tuple(tuple(row) for row in MODEL_FROM_ENU.T.tolist()),
        translation=(0.0, 0.0, 0.0),
    ),
    residuals=None,
)


def sfm_report() -> Report:
    return Report(
        step="sfm",
        seconds=12.5,
        stages={"matching": 8.0, "mapping": 4.5},
        input={"photos": 9},
        output={"registered": 8, "points": 1234},
        quality={"reprojection_px": 0.61, "registered_fraction": 8 / 9},
        warnings=["1 photo was left out: <photo_009.jpg>"],
        seed=0,
    )


def training_report(splats: Splats) -> Report:
    return Report(
        step="3dgs",
        seconds=90.0,
        stages={"training": 90.0},
        output={"gaussians": len(splats.means), "steps": 7000},
        quality={
            "psnr_heldout_db": 24.5,
            "psnr_history": [[100, 5.0, 18.0], [1000, 40.0, 22.5], [7000, 90.0, 24.5]],
        },
        seed=0,
    )


def heldout_photos(splats: Splats, cameras: Sequence[Camera], folder: Path) -> None:
    """Photos that differ from the scene by a little noise, as no model is perfect."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(9)
    for camera in cameras:
        if camera.split == "heldout":
            picture = render_photo(splats, camera, width=camera.width, height=camera.height)
            noisy = np.clip(picture + random.normal(0, 0.03, picture.shape), 0, 1)
            Image.fromarray((noisy * 255).round().astype(np.uint8)).save(folder / f"{camera.name}.png")


def write_model_folder(folder: Path, splats: Splats, cameras: Sequence[Camera]) -> None:
    folder.mkdir(parents=True)
    write_ply(folder / "splat.ply", splats)
    write_json(folder / "cameras.json", CameraSet(views=list(cameras)))
    write_json(folder / "georeference.json", GEOREFERENCE)
    write_json(folder / "report.json", training_report(splats))
    heldout_photos(splats, cameras, folder / "heldout")


def pack(folder: Path, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, arcname=".")


def pack_bytes(members: dict[str, bytes], archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as packed:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))


def prepare_job(
    base: Path, splats: Splats | None = None, cameras: Sequence[Camera] | None = None
) -> JobPaths:
    """Lays out the inputs of a compressor job below `base`."""
    paths = JobPaths(base)
    folder = base / "trained"
    write_model_folder(folder, splats or landmark_scene(), cameras or CAMERAS)
    pack(folder, paths.processing_input("model") / "model.tar.gz")
    write_json(paths.processing_input("sfm") / "report.json", sfm_report())
    return paths


def run_compressor(paths: JobPaths, *arguments: str) -> int:
    return run_processing(
        "compressor", CompressorOptions, STAGES, compress, output=OUTPUT, argv=list(arguments), paths=paths
    )


def result_report(paths: JobPaths) -> dict[str, dict[str, object]]:
    document: dict[str, dict[str, object]] = json.loads(
        (paths.processing_output("model") / "report.json").read_text()
    )
    return document
