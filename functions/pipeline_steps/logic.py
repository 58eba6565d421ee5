"""Judgements of the pipeline's own steps."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from functions.pipeline_steps.refusals import ModelIncomplete, ReconstructionRejected

MIN_REGISTERED = 3
"""Fewer views never fix a shape: two leave its depth to one baseline."""
MIN_REGISTERED_FRACTION = 0.6
"""Below it, the photos show two places or have gaps, and the model would be of a part only."""
MIN_POINTS = 300
"""Sparse points; training starts its Gaussians at them."""

MODEL_FILES = (
    "model.sog",
    "index.html",
    "settings.json",
    "preview.jpg",
    "cameras.json",
    "georeference.json",
    "report.json",
    "report.html",
)


def judge_reconstruction(report: Mapping[str, Any] | None) -> dict[str, Any]:
    """Judge the SfM step's report.

    Args:
        report: The report, or None when there is none.

    Returns:
        Figures: photos, registered, points.

    Raises:
        ReconstructionRejected: Too little was placed for a model.
        KeyError: The report lacks figures, which is our fault.
    """
    if report is None:
        raise LookupError("the SfM step left no report")
    photos = int(report["input"]["photos"])
    registered = int(report["output"]["registered"])
    points = int(report["output"]["points"])
    if registered < MIN_REGISTERED or registered < MIN_REGISTERED_FRACTION * photos:
        raise ReconstructionRejected(
            f"Only {registered} of {photos} photos could be placed together. They may show different places "
            "or overlap too little: fly with two thirds of overlap, and upload one place at a time."
        )
    if points < MIN_POINTS:
        raise ReconstructionRejected(
            f"Only {points} points of the scene could be found in the photos. They may be blurred, dark or "
            "show few details, such as water or snow: fly again in better light, slower or closer."
        )
    return {"photos": photos, "registered": registered, "points": points}


def check_model(sizes: Mapping[str, int]) -> None:
    """Check that a model's folder is complete.

    Args:
        sizes: Bytes by file name.

    Raises:
        ModelIncomplete: Files are missing or empty; the message names them.
    """
    missing = [name for name in MODEL_FILES if sizes.get(name, 0) == 0]
    if missing:
        raise ModelIncomplete(f"The model lacks {', '.join(missing)}. Start the job again.")


def summarize(report: Mapping[str, Any]) -> dict[str, Any]:
    """Take the figures that people ask for first from a model's merged report.

    Args:
        report: Reports by step.

    Returns:
        Figures; those that a report lacks are None.
    """
    return {
        "photos": _figure(report, "sfm", "input", "photos"),
        "registered": _figure(report, "sfm", "output", "registered"),
        "points": _figure(report, "sfm", "output", "points"),
        "psnrDb": _figure(report, "3dgs", "quality", "psnr_heldout_db"),
        "gaussians": _figure(report, "compressor", "output", "gaussians"),
        "sogBytes": _figure(report, "compressor", "output", "sog_bytes"),
        "seconds": {step: _figure(report, step, "seconds") for step in report},
    }


def content_type(name: str) -> str:
    """Give the media type that a browser needs for a file of the model; unknown ones are plain bytes."""
    return _MEDIA_TYPES.get(PurePosixPath(name).suffix.lower(), "application/octet-stream")


_MEDIA_TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
}


def _figure(report: Mapping[str, Any], *path: str) -> Any:  # noqa: ANN401 -- any JSON value
    value: Any = report
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
