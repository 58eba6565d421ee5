"""Pictures of splats: as a photo's camera would have seen them, and from the first view."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from spaceport_job.records import Camera
from spaceport_splat.projection import Pinhole
from spaceport_splat.rasterize import render
from spaceport_splat.splats import Splats

from spaceport_compressor.opening_view import OpeningView

Picture = NDArray[np.float32]


def render_photo(splats: Splats, camera: Camera, *, width: int, height: int) -> Picture:
    """Renders what a photo's camera sees, in the photo's colours.

    Args:
        splats: In the model frame.
        camera: Of the photo; its exposure [A | b], where it has one, is applied as A colour + b.
        width: Of the picture in pixels; the camera is scaled to it.
        height: Likewise.

    Returns:
        [height, width, 3] in 0..1.
    """
    colours, _ = render(splats, Pinhole.resized(camera, width, height))
    if camera.exposure is not None:
        transform = np.array(camera.exposure, np.float32)
        colours = colours @ transform[:, :3].T + transform[:, 3]
    return np.clip(colours, 0, 1)


def render_opening(
    splats: Splats, view: OpeningView, *, width: int, height: int, background: Sequence[float]
) -> Picture:
    """Renders the first view as the viewer page shows it: [height, width, 3] in 0..1.

    Args:
        splats: In the model frame.
        view: The first view; its field of view spans the longer side, as in the viewer.
        width: In pixels.
        height: In pixels.
        background: Colour behind the splats, 0..1 each.
    """
    focal = view.focal_length(max(width, height))
    camera = Pinhole(width, height, focal, focal, width / 2, height / 2, view.cam_from_model())
    colours, _ = render(splats, camera, background)
    return np.clip(colours, 0, 1)
