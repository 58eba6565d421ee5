"""Judgements of the pipeline's own steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from functions.pipeline_steps.refusals import CaptureRejected, ModelIncomplete, ReconstructionRejected

MIN_PHOTOS = 3
"""Fewer views never fix a shape: two leave its depth to one baseline."""
MAX_PHOTOS = 5000
MAX_UNPACKED_BYTES = 60 * 10**9
"""What the processing instance's disk holds beside its results."""
MAX_UNPACK_RATIO = 20
"""Photos are packed already: a zip of JPEGs shrinks by a few percent, one of plain TIFFs by some 3 times."""

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


@dataclass(frozen=True)
class Entry:
    """A photo, plain or in an archive.

    Attributes:
        name: Its name.
        size: Bytes, unpacked.
    """

    name: str
    size: int


def judge_capture(plain: Sequence[Entry], archives: Mapping[str, Sequence[Entry]]) -> dict[str, Any]:
    """Judge a capture by its names and sizes.

    Args:
        plain: Photos uploaded as they are.
        archives: Photos of each archive, by its name.

    Returns:
        Figures: photos, archives, bytes (unpacked).

    Raises:
        CaptureRejected: It cannot become a model.
    """
    photos = [*plain, *(entry for entries in archives.values() for entry in entries)]
    with_content = [entry for entry in photos if entry.size > 0]
    if len(with_content) < MIN_PHOTOS:
        raise CaptureRejected(
            f"This capture has {_count(len(with_content), 'photo')}; a model needs at least {MIN_PHOTOS}, "
            "and 20 or more that overlap by two thirds to look good."
        )
    if len(with_content) > MAX_PHOTOS:
        raise CaptureRejected(
            f"This capture has {len(with_content):,} photos; one job takes at most {MAX_PHOTOS:,}. "
            "Split it into several captures."
        )
    total = sum(entry.size for entry in with_content)
    if total > MAX_UNPACKED_BYTES:
        raise CaptureRejected(
            f"This capture has {total / 1e9:,.0f} GB of photos; one job takes at most "
            f"{MAX_UNPACKED_BYTES / 1e9:,.0f} GB. Split it into several captures."
        )
    return {"photos": len(with_content), "archives": len(archives), "bytes": total}


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
    if registered < MIN_PHOTOS or registered < MIN_REGISTERED_FRACTION * photos:
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


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
