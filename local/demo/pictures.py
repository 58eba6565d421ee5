"""The pictures of report.html, as PNG data URIs."""

import base64
import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pycolmap
from matplotlib.figure import Figure

from local.demo.evaluate import CameraErrors, Points, camera_centres

MOST_POINTS = 20_000
# Points further out than this many spreads of the cameras are left outside the frame of the picture.
FRAME_SPREADS = 1.6
DOTS_PER_INCH = 110
INK = "#1b2a41"
ACCENT = "#e4572e"
SECOND = "#2e86ab"

mpl.use("Agg")
mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})


def data_uri(picture: Path) -> str:
    """Returns a PNG file as a data URI."""
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()


def _encode(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def view_from_above(sfm: Path, errors: CameraErrors | None, gps: Points | None) -> str:
    """Draws points and cameras from above: against the truth, or against the photos' GPS.

    Args:
        sfm: The folder of an SfM result, in metres east, north, up.
        errors: The comparison with the truth, where there is one.
        gps: The GPS positions in the frame of the model, [N, 3].
    """
    model = pycolmap.Reconstruction(str(sfm / "sparse" / "0"))
    points = np.array([point.xyz for point in model.points3D.values()])
    colours = np.array([point.color for point in model.points3D.values()]) / 255
    keep = np.random.default_rng(0).permutation(len(points))[:MOST_POINTS]
    centres = np.array(list(camera_centres(sfm).values()))
    figure = Figure(figsize=(7, 6))
    axes = figure.add_subplot()
    axes.scatter(points[keep, 0], points[keep, 1], c=colours[keep], s=2, linewidths=0)
    if errors:
        axes.scatter(
            errors.true[:, 0],
            errors.true[:, 1],
            s=70,
            facecolors="none",
            edgecolors=SECOND,
            label="true cameras",
        )
        centres = errors.estimated
    elif gps is not None:
        axes.scatter(
            gps[:, 0], gps[:, 1], s=70, facecolors="none", edgecolors=SECOND, label="GPS of the photos"
        )
    axes.scatter(centres[:, 0], centres[:, 1], s=24, c=ACCENT, marker="+", label="cameras found")
    middle = centres[:, :2].mean(axis=0)
    reach = FRAME_SPREADS * np.abs(centres[:, :2] - middle).max()
    axes.set_xlim(middle[0] - reach, middle[0] + reach)
    axes.set_ylim(middle[1] - reach, middle[1] + reach)
    axes.set_aspect("equal")
    axes.set_xlabel("east, m")
    axes.set_ylabel("north, m")
    axes.legend(loc="upper right", framealpha=0.9)
    return _encode(figure)


def gps_positions(georeference: dict[str, Any], sfm: Path) -> Points | None:
    """Returns the photos' GPS positions in the model's frame, [N, 3], or None without a georeference."""
    residuals = georeference.get("residuals")
    if not residuals:
        return None
    centres = camera_centres(sfm)
    names = sorted(set(centres) & set(residuals["per_photo"]))
    return np.array([centres[name] - np.array(residuals["per_photo"][name]) for name in names])


def psnr_over_time(history: list[list[float]]) -> str:
    """Draws the held-out PSNR over the seconds of training; rows are step, seconds, dB."""
    rows = np.array(history)
    figure = Figure(figsize=(6, 3))
    axes = figure.add_subplot()
    axes.plot(rows[:, 1], rows[:, 2], color=ACCENT, marker="o", markersize=3)
    axes.set_xlabel("seconds of training")
    axes.set_ylabel("held-out PSNR, dB")
    axes.grid(alpha=0.3)
    return _encode(figure)


def stage_timings(report: dict[str, Any]) -> str:
    """Draws how long every stage of every step took."""
    rows = [
        (f"{step} · {stage}", seconds)
        for step in ("sfm", "3dgs", "compressor")
        for stage, seconds in report[step]["stages"].items()
    ]
    figure = Figure(figsize=(6, 0.3 * len(rows) + 0.8))
    axes = figure.add_subplot()
    bars = axes.barh([name for name, _ in rows], [seconds for _, seconds in rows], color=INK, height=0.6)
    axes.bar_label(bars, fmt="%.1f s", padding=3)
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    return _encode(figure)
