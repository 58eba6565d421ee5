"""The files of a finished training."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from spaceport_job import Camera, CameraSet, write_json
from spaceport_job.records import Matrix4, Matrix34, Row4
from spaceport_splat.splats import Splats, write_ply
from torch import Tensor

from spaceport_3dgs.evaluation import Quality
from spaceport_3dgs.scene import Photo, Scene


def write_model(folder: Path, splats: Splats, scene: Scene, exposures: Mapping[str, Tensor]) -> None:
    """Writes splat.ply, cameras.json and georeference.json.

    Args:
        folder: The result folder.
        splats: In the model frame.
        scene: Whose photos become the cameras.
        exposures: Colour transform [3, 4] by photo name: learned, or fitted to a held-out photo.
    """
    write_ply(folder / "splat.ply", splats)
    views = [_camera(photo, exposures.get(photo.name)) for photo in scene.photos]
    write_json(folder / "cameras.json", CameraSet(views=views))
    write_json(folder / "georeference.json", scene.georeference)


def write_heldout(folder: Path, photo: Photo, quality: Quality) -> None:
    """Writes a held-out photo at the size of the training, and its render without the colour fit."""
    path = folder / "heldout" / f"{photo.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photo.pixels).save(path)
    render = (quality.render.cpu().numpy() * 255 + 0.5).astype(np.uint8)
    Image.fromarray(render).save(path.with_suffix(".render.png"))


def _camera(photo: Photo, exposure: Tensor | None) -> Camera:
    view = photo.view
    return Camera(
        name=photo.name,
        width=view.width,
        height=view.height,
        fx=view.fx,
        fy=view.fy,
        cx=view.cx,
        cy=view.cy,
        cam_from_model=_matrix4(np.asarray(view.cam_from_model)),
        split=photo.split,
        exposure=None if exposure is None else _matrix34(exposure),
    )


def _row(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Row4:
    a, b, c, d = (float(value) for value in values)
    return (a, b, c, d)


def _matrix4(matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Matrix4:
    first, second, third, fourth = (_row(row) for row in matrix)
    return (first, second, third, fourth)


def _matrix34(transform: Tensor) -> Matrix34:
    first, second, third = (_row(row) for row in transform.detach().cpu().double().numpy())
    return (first, second, third)
