"""A tiny capture as the SfM step hands it over: a coloured cloud, photographed by splat renders of itself."""

import json
from pathlib import Path

import numpy as np
import pycolmap
from PIL import Image
from spaceport_job import Georeference, Similarity, write_json
from spaceport_splat import Pinhole, Splats, render
from spaceport_splat.sh import rgb_to_sh0

WIDTH, HEIGHT, FOCAL = 64, 48, 60.0
CLOUD = 400


def cloud(seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, 3] of a bumpy ground in ENU metres, and their colours [N, 3] in 0..1."""
    random = np.random.default_rng(seed)
    east, north = random.uniform(-10, 10, (2, CLOUD))
    points = np.stack([east, north, np.sin(east / 3) * np.cos(north / 4) * 1.5], axis=1)
    colors = 0.5 + 0.4 * np.stack([np.sin(east), np.cos(north / 2), np.sin(east / 2 + north)], axis=1)
    return points, colors


def truth(seed: int = 3) -> Splats:
    """What is photographed, in ENU metres."""
    points, colors = cloud(seed)
    return Splats(
        means=points.astype(np.float32),
        log_scales=np.full((CLOUD, 3), np.log(0.6), np.float32),
        quats=np.tile(np.float32([1, 0, 0, 0]), (CLOUD, 1)),
        opacity_logits=np.full(CLOUD, 3, np.float32),
        sh0=rgb_to_sh0(colors.astype(np.float32)),
        shN=np.empty((CLOUD, 0, 3), np.float32),
    )


def camera_poses(count: int) -> list[np.ndarray]:
    """[4, 4] camera from ENU, on a circle that looks at its middle."""
    poses = []
    for angle in np.linspace(0, 2 * np.pi, count, endpoint=False):
        center = np.array([12 * np.cos(angle) + 3, 12 * np.sin(angle) - 2, 14.0])
        forward = np.array([0.0, 0.0, 0.0]) - center
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, [0, 0, 1])
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :3] = [right, np.cross(forward, right), forward]
        pose[:3, 3] = -pose[:3, :3] @ center
        poses.append(pose)
    return poses


def write_sfm_result(
    folder: Path, photos: int = 8, *, exposures: list[float] | None = None
) -> list[np.ndarray]:
    """Writes a result of the SfM step and returns the cameras' poses by photo name."""
    random = np.random.default_rng(7)
    points, colors = cloud()
    model = pycolmap.Reconstruction()
    model.add_camera_with_trivial_rig(
        pycolmap.Camera(
            camera_id=1,
            model="PINHOLE",
            width=WIDTH,
            height=HEIGHT,
            params=[FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2],
        )
    )
    (folder / "images").mkdir(parents=True)
    poses = camera_poses(photos)
    for index, pose in enumerate(poses):
        name = f"photo_{index:02d}.png"
        image = pycolmap.Image(name=name, camera_id=1, image_id=index + 1)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(pose[:3]))
        view = Pinhole(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2, pose)
        picture = render(truth(), view)[0] * (exposures[index] if exposures else 1)
        pixels = (picture.clip(0, 1) * 255 + 0.5).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / name)
    for point, color in zip(points, colors, strict=True):
        noisy = point + random.normal(size=3) * 0.05
        model.add_point3D(noisy, pycolmap.Track(), (color * 255).astype(np.uint8))
    (folder / "sparse" / "0").mkdir(parents=True)
    model.write_binary(str(folder / "sparse" / "0"))
    write_json(folder / "georeference.json", georeference())
    return poses


def georeference() -> Georeference:
    """A shifted one, so that a mistake in composing shows."""
    return Georeference.model_validate(
        {
            "source": "exif_gps",
            "origin": {"latitude": 47.0, "longitude": 8.0, "altitude_m": 500.0},
            "model_to_enu": Similarity(
                scale=1.0, rotation=((1, 0, 0), (0, 1, 0), (0, 0, 1)), translation=(0.0, 0.0, 0.0)
            ).model_dump(),
            "residuals": None,
        }
    )


def write_job(base: Path, **options: object) -> None:
    """A training job's folders with the capture and its options, as SageMaker passes them."""
    write_sfm_result(base / "input" / "data" / "sfm")
    (base / "input" / "config").mkdir(parents=True)
    values = {name: str(value) for name, value in options.items()}
    (base / "input" / "config" / "hyperparameters.json").write_text(json.dumps(values))
