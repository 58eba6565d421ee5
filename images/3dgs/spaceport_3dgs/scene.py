"""What the SfM step left, as the training uses it: photos with cameras, points, and where they are."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pycolmap
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError
from spaceport_job import CaptureError, Georeference, InputError
from spaceport_splat.projection import Pinhole

from spaceport_3dgs.frame import Array, camera_to_model, compose, to_model

MIN_PHOTOS = 3
MIN_TRAINING_PHOTOS = 3
MIN_POINTS = 10
READERS = 4
FAR_POINTS = 1.0
"""Points farther than this many spans of the middle 98 % outside of it, along any axis, are left out."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Photo:
    """A registered photo.

    Attributes:
        name: File name below SfM's images folder.
        view: Its camera in the model frame, at the size of `pixels`.
        pixels: [H, W, 3].
        split: Whether it is learned or measured with.
    """

    name: str
    view: Pinhole
    pixels: Pixels
    split: Literal["train", "heldout"]


@dataclass(frozen=True)
class Scene:
    """Everything a training starts from, in the model frame (metres).

    Attributes:
        photos: By name.
        points: [N, 3].
        colors: [N, 3] in 0..255.
        georeference: Of the model frame.
        extent: The largest distance of a camera from their mean: the unit of trained lengths.
        far_points: Number of SfM points left out because they lie far outside the others.
    """

    photos: list[Photo]
    points: Array
    colors: Pixels
    georeference: Georeference
    extent: float
    far_points: int

    def split(self, which: Literal["train", "heldout"]) -> list[Photo]:
        """The photos of one split."""
        return [photo for photo in self.photos if photo.split == which]

    @property
    def centers(self) -> Array:
        """[photos, 3] where the cameras are."""
        matrices = np.array([photo.view.cam_from_model for photo in self.photos])
        return np.asarray(-np.einsum("nji,nj->ni", matrices[:, :3, :3], matrices[:, :3, 3]))


def read_scene(
    folder: Path,
    *,
    image_size: int,
    heldout_every: int,
    on_photo: Callable[[float], None] | None = None,
) -> Scene:
    """Reads SfM's result and brings it to the model frame.

    Args:
        folder: With `sparse/0`, `images/` and `georeference.json`.
        image_size: Longest side of the photos to learn from, in pixels; photos are never enlarged.
        heldout_every: Every so many photos, by name, one is held out; 0 holds none out.
        on_photo: Called with the share of photos read.

    Raises:
        CaptureError: there are too few photos or points.
        InputError: a file is missing or damaged.
    """
    model = _read_model(folder)
    georeference = _read_georeference(folder / "georeference.json")
    images = sorted(
        (image for image in model.images.values() if image.has_pose), key=lambda image: str(image.name)
    )
    if len(images) < MIN_PHOTOS:
        raise CaptureError(
            f"Only {len(images)} of the photos could be placed; a model needs at least {MIN_PHOTOS}. "
            "Take more photos that overlap by two thirds or more."
        )
    points, colors = _points(model)
    near = _without_far_points(points)
    if near.sum() < MIN_POINTS:
        raise CaptureError(
            f"The photos have only {int(near.sum())} points in common, too few to begin a model with. "
            "Take sharper photos that overlap more, of something that is not all water, sky or snow."
        )
    center = np.median(points[near], axis=0)
    heldout = heldout_indices(len(images), heldout_every)

    def read(index: int) -> Photo:
        image = images[index]
        camera = model.cameras[image.camera_id]
        pixels = _read_photo(folder / "images" / image.name, image_size)
        view = _view(camera, camera_to_model(image.cam_from_world().matrix(), center), image.name)
        return Photo(
            name=str(image.name),
            view=Pinhole.resized(view, pixels.shape[1], pixels.shape[0]),
            pixels=pixels,
            split="heldout" if index in heldout else "train",
        )

    photos: list[Photo] = []
    with ThreadPoolExecutor(READERS) as pool:
        for photo in pool.map(read, range(len(images))):
            photos.append(photo)
            if on_photo:
                on_photo(len(photos) / len(images))
    scene = Scene(
        photos=photos,
        points=to_model(points[near], center),
        colors=colors[near],
        georeference=compose(georeference, center),
        extent=1.0,
        far_points=int((~near).sum()),
    )
    return Scene(**{**scene.__dict__, "extent": _extent(scene)})


def heldout_indices(count: int, every: int) -> set[int]:
    """Which of `count` photos are held out: the middle one of every `every`, if enough are left to learn."""
    if every == 0:
        return set()
    chosen = set(range(every // 2, count, every))
    return chosen if count - len(chosen) >= MIN_TRAINING_PHOTOS else set()


def _extent(scene: Scene) -> float:
    """Cameras all at one place have no extent: then it is the typical distance of what they see."""
    centers = scene.centers
    middle = centers.mean(axis=0)
    spread = float(np.linalg.norm(centers - middle, axis=1).max())
    depth = float(np.median(np.linalg.norm(scene.points - middle, axis=1)))
    return max(spread, 0.05 * depth, 1e-6)


def _read_model(folder: Path) -> pycolmap.Reconstruction:
    sparse = folder / "sparse" / "0"
    try:
        return pycolmap.Reconstruction(str(sparse))
    except (ValueError, RuntimeError, OSError) as error:
        raise InputError(f"The camera positions of the SfM step cannot be read: {error}") from error


def _read_georeference(path: Path) -> Georeference:
    try:
        return Georeference.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{path.name} of the SfM step cannot be read: {error}") from error


def _points(model: pycolmap.Reconstruction) -> tuple[Array, Pixels]:
    """Position [N, 3] and colour [N, 3] of the points, in the order of their ids."""
    found = [model.points3D[index] for index in sorted(model.points3D)]
    points = np.array([point.xyz for point in found], np.float64).reshape(-1, 3)
    return points, np.array([point.color for point in found], np.uint8).reshape(-1, 3)


def _without_far_points(points: Array) -> NDArray[np.bool_]:
    """Mask [N] of points that are finite and not far outside the others: the seeds of floaters."""
    finite = np.asarray(np.isfinite(points).all(axis=1), np.bool_)
    if not finite.any():
        return finite
    low, high = np.percentile(points[finite], [1, 99], axis=0)
    margin = FAR_POINTS * (high - low) + 1e-6
    inside = (points >= low - margin) & (points <= high + margin)
    return np.asarray(finite & inside.all(axis=1), np.bool_)


def _view(camera: pycolmap.Camera, cam_from_model: Array, name: str) -> Pinhole:
    if camera.model.name != "PINHOLE":
        raise InputError(
            f"The camera of {name} is of the kind {camera.model.name}; the SfM step must hand over "
            "undistorted images with PINHOLE cameras."
        )
    fx, fy, cx, cy = (float(value) for value in camera.params)
    return Pinhole(camera.width, camera.height, fx, fy, cx, cy, cam_from_model)


def _read_photo(path: Path, image_size: int) -> Pixels:
    try:
        with Image.open(path) as image:
            factor = min(1.0, image_size / max(image.size))
            size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
            return np.array(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    except OSError as error:
        raise InputError(f"The photo {path.name} of the SfM step cannot be read: {error}") from error
