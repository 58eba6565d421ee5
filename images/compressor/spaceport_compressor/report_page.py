"""report.html: one page for people, with everything in it, that needs no network."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from spaceport_job.records import Georeference, Report, Step

PAGE = "report.html"
_TEMPLATES = Path(__file__).parent / "templates"
_PICTURE_WIDTH = 480
_JPEG_QUALITY = 82
_STEP_TITLES = {"sfm": "Finding the cameras", "3dgs": "Training the model", "compressor": "Packing the model"}
_SOURCES = {
    "exif_gps": "from the GPS positions in the photos",
    "flight_plan": "from the flight plan",
    "none": "unknown: the photos carry no positions, so the model has no scale and no place on the map",
}
_CHART_WIDTH, _CHART_HEIGHT = 640, 180


@dataclass(frozen=True)
class PicturePair:
    """A photo that training never saw, beside the model from the same place.

    Attributes:
        name: Of the photo.
        psnr_db: Likeness of the two.
        photo: [H, W, 3] uint8.
        render: [H, W, 3] uint8, of the packed model.
    """

    name: str
    psnr_db: float
    photo: NDArray[np.uint8]
    render: NDArray[np.uint8]


@dataclass(frozen=True)
class Figure:
    """One key figure: what it is, its value with the unit, and what it means."""

    name: str
    value: str
    meaning: str


def jpeg(pixels: NDArray[np.uint8], *, width: int | None = None, quality: int = _JPEG_QUALITY) -> bytes:
    """Returns `pixels` [H, W, 3] as a JPEG, scaled down to `width` where it is wider."""
    image = Image.fromarray(pixels)
    if width and image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


def _data_uri(picture: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii")


def _number(report: Report | None, section: str, key: str) -> float | None:
    value = getattr(report, section).get(key) if report else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def key_figures(reports: Mapping[Step, Report], georeference: Georeference) -> list[Figure]:
    """Returns the figures that are known, in the order of the work."""
    sfm, training, packing = reports.get("sfm"), reports.get("3dgs"), reports.get("compressor")
    figures: list[Figure] = []

    def add(name: str, value: float | None, text: str, meaning: str) -> None:
        if value is not None:
            # Adding zero turns -0.0 into 0.0.
            figures.append(Figure(name, text.format(round(value, 2) + 0.0), meaning))

    photos, registered = _number(sfm, "input", "photos"), _number(sfm, "output", "registered")
    if photos is not None and registered is not None:
        figures.append(
            Figure("Photos used", f"{registered:.0f} of {photos:.0f}", "photos whose camera was found")
        )
    add(
        "Matched points",
        _number(sfm, "output", "points"),
        "{:,.0f}",
        "points seen by several photos",
    )
    add(
        "Reprojection error",
        _number(sfm, "quality", "reprojection_px"),
        "{:.2f} px",
        "how exactly the cameras agree with each other; below 1 is good",
    )
    residuals = georeference.residuals
    add(
        "GPS misfit",
        residuals.rmse_m if residuals else None,
        "{:.2f} m",
        "typical distance between a camera and the position its drone wrote down",
    )
    add(
        "Splats trained",
        _number(training, "output", "gaussians"),
        "{:,.0f}",
        "soft dots that make the picture",
    )
    add(
        "Likeness to unseen photos",
        _number(training, "quality", "psnr_heldout_db"),
        "{:.1f} dB",
        "PSNR on photos kept out of training; above 25 looks right, above 30 excellent",
    )
    add(
        "Splats in the file",
        _number(packing, "output", "gaussians"),
        "{:,.0f}",
        "left after tidying up",
    )
    size = _number(packing, "output", "sog_bytes")
    add("File size", None if size is None else size / 1e6, "{:.2f} MB", "what a browser loads")
    add(
        "Lost by packing",
        _number(packing, "quality", "psnr_loss_db"),
        "{:.2f} dB",
        "likeness to unseen photos before packing minus after; below 0.3 cannot be seen",
    )
    return figures


def _stage_rows(reports: Mapping[Step, Report]) -> list[dict[str, Any]]:
    longest = (
        max((seconds for report in reports.values() for seconds in report.stages.values()), default=0) or 1
    )
    return [
        {
            "title": _STEP_TITLES[step],
            "seconds": report.seconds or sum(report.stages.values()),
            "stages": [
                {"name": name.replace("_", " "), "seconds": seconds, "percent": 100 * seconds / longest}
                for name, seconds in report.stages.items()
            ],
        }
        for step, report in reports.items()
    ]


def _history_chart(report: Report | None) -> dict[str, Any] | None:
    """Returns PSNR over time as the points of an SVG line, or None without at least two measurements."""
    history = report.quality.get("psnr_history") if report else None
    if not isinstance(history, list) or len(history) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    seconds = np.array([entry[1] for entry in history], float)
    psnr = np.array([entry[2] for entry in history], float)
    x = seconds / max(float(seconds.max()), 1e-9) * _CHART_WIDTH
    low, high = np.floor(psnr.min()), np.ceil(psnr.max())
    y = _CHART_HEIGHT * (1 - (psnr - low) / max(float(high - low), 1.0))
    return {
        "width": _CHART_WIDTH,
        "height": _CHART_HEIGHT,
        "points": " ".join(f"{across:.1f},{down:.1f}" for across, down in zip(x, y, strict=True)),
        "low": low,
        "high": high,
        "seconds": float(seconds.max()),
    }


def write_report_page(
    path: Path,
    *,
    title: str,
    preview: bytes,
    reports: Mapping[Step, Report],
    georeference: Georeference,
    pairs: Sequence[PicturePair],
) -> None:
    """Writes the page.

    Args:
        path: Of the HTML file.
        title: The project's name; may be empty.
        preview: JPEG of the first view.
        reports: Of the steps by name, in their order.
        georeference: Where the model is.
        pairs: Held-out photos and renders to show.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(f"{PAGE}.j2").render(
        title=title or "Spaceport model",
        preview=_data_uri(preview),
        figures=key_figures(reports, georeference),
        warnings=[
            (_STEP_TITLES[step], warning) for step, report in reports.items() for warning in report.warnings
        ],
        placement=_SOURCES[georeference.source],
        origin=georeference.origin,
        pairs=[
            {
                "name": pair.name,
                "psnr_db": pair.psnr_db,
                "photo": _data_uri(jpeg(pair.photo, width=_PICTURE_WIDTH)),
                "render": _data_uri(jpeg(pair.render, width=_PICTURE_WIDTH)),
            }
            for pair in pairs
        ],
        chart=_history_chart(reports.get("3dgs")),
        steps=_stage_rows(reports),
        versions={step: report.versions for step, report in reports.items() if report.versions},
    )
    path.write_text(page, encoding="utf-8")
