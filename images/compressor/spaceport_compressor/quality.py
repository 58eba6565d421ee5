"""What the packing cost: held-out photos against renders of the splats before and after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from spaceport_job.records import Camera
from spaceport_splat.metrics import psnr
from spaceport_splat.splats import Splats

from spaceport_compressor.errors import ModelFolderError
from spaceport_compressor.rendering import Picture, render_photo


@dataclass(frozen=True)
class ViewQuality:
    """One held-out view.

    Attributes:
        name: Of the photo.
        source_db: PSNR of the photo and the render of the splats as trained.
        packed_db: PSNR of the photo and the render of the splats as packed.
        between_db: PSNR of the two renders.
        photo: [H, W, 3] in 0..1.
        render: [H, W, 3] in 0..1, of the splats as packed.
    """

    name: str
    source_db: float
    packed_db: float
    between_db: float
    photo: Picture
    render: Picture


def psnr_loss(views: Sequence[ViewQuality]) -> float | None:
    """Returns the mean PSNR before packing minus the mean after, in dB; None without views."""
    if not views:
        return None
    return float(np.mean([view.source_db for view in views]) - np.mean([view.packed_db for view in views]))


def read_photo(path: Path) -> Picture:
    """Returns a picture as [H, W, 3] float32 in 0..1.

    Raises:
        ModelFolderError: It cannot be read.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(np.asarray(image.convert("RGB")) / 255, np.float32)
    except OSError as error:
        raise ModelFolderError(f"The held-out photo {path.name} cannot be read: {error}") from error


def measure(
    source: Splats,
    packed: Splats,
    photos: Sequence[tuple[Camera, Path]],
    *,
    before_view: Callable[[int], None],
) -> list[ViewQuality]:
    """Renders every held-out view before and after packing and compares both with the photo.

    Args:
        source: As trained.
        packed: Read back from the packed file.
        photos: The held-out cameras and their photos, at the cameras' size or scaled evenly.
        before_view: Called with the number of views done, before each.

    Raises:
        ModelFolderError: A photo cannot be read.
    """
    found = []
    for done, (camera, path) in enumerate(photos):
        before_view(done)
        photo = read_photo(path)
        height, width = photo.shape[:2]
        render_source = render_photo(source, camera, width=width, height=height)
        render_packed = render_photo(packed, camera, width=width, height=height)
        found.append(
            ViewQuality(
                name=camera.name,
                source_db=psnr(render_source, photo),
                packed_db=psnr(render_packed, photo),
                between_db=psnr(render_packed, render_source),
                photo=photo,
                render=render_packed,
            )
        )
    return found


def to_bytes(picture: Picture) -> NDArray[np.uint8]:
    """Returns a picture in 0..1 as whole numbers of 0..255."""
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
