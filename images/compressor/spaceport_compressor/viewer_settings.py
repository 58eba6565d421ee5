"""settings.json: how the viewer page opens the model."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spaceport_compressor.opening_view import OpeningView

SETTINGS = "settings.json"
BACKGROUND = (0.06, 0.09, 0.11)

# The viewer turns the file by half a turn around z: file (-east, -up, -north) is world (east, up, -north).
_WORLD_FROM_MODEL = np.array([-1.0, -1.0, 1.0])


def viewer_position(point: NDArray[np.floating]) -> list[float]:
    """Returns a point of the model frame in the viewer's world."""
    return [round(float(value), 6) for value in _WORLD_FROM_MODEL * point]


def viewer_settings(view: OpeningView, title: str) -> dict[str, Any]:
    """Returns the settings of supersplat-viewer, schema version 2, with our title beside them."""
    initial = {
        "position": viewer_position(view.position),
        "target": viewer_position(view.target),
        "fov": round(math.degrees(view.horizontal_fov), 4),
    }
    return {
        "version": 2,
        "tonemapping": "none",
        "highPrecisionRendering": False,
        "background": {"color": list(BACKGROUND)},
        "postEffectSettings": {
            "sharpness": {"enabled": False, "amount": 0},
            "bloom": {"enabled": False, "intensity": 0.1, "blurLevel": 2},
            "grading": {"enabled": False, "brightness": 1, "contrast": 1, "saturation": 1, "tint": [1, 1, 1]},
            "vignette": {"enabled": False, "intensity": 0.5, "inner": 0.3, "outer": 0.75, "curvature": 1},
            "fringing": {"enabled": False, "intensity": 0.5},
        },
        "animTracks": [],
        "cameras": [{"initial": initial}],
        "annotations": [],
        "startMode": "default",
        "spaceport": {"title": title},
    }
