"""The demo's report for people: report.html and the table in the terminal."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from rich.console import Console
from rich.table import Table

from local.demo import pictures
from local.demo.evaluate import CameraErrors
from local.demo.results import JobFiles, Json

TEMPLATE = "report.html.j2"
MEGABYTE = 1e6


def key_figures(report: Json) -> list[tuple[str, str]]:
    """Returns the report's main figures as names and values for people."""
    rows = [("in all", f"{report['total_seconds']:.0f} s"), ("deploy", f"{report['deploy_seconds']:.1f} s")]
    rows.append(("cloud resources", str(report["resources"])))
    if report["cost"]["usd"] is not None:
        rows.append(("at AWS's prices", f"${report['cost']['usd']:.2f}"))
    if report["estimate"]["usd"] is not None:
        rows.append(("estimate for AWS", f"${report['estimate']['usd']:.2f}"))
    if "sfm" not in report:
        return rows
    sfm, training, compressor = report["sfm"], report["3dgs"], report["compressor"]
    rows.append(("photos registered", f"{sfm['registered']}"))
    rows.append(("points", f"{sfm['points']:,}"))
    rows.append(("reprojection error", f"{sfm['reprojection_px']:.2f} px"))
    if sfm["shape_rmse_m"] is not None:
        rows.append(("shape error", f"{1000 * sfm['shape_rmse_m']:.1f} mm"))
    if sfm["georef_rmse_m"] is not None:
        rows.append(("georeference error", f"{sfm['georef_rmse_m']:.2f} m"))
    rows.append(("Gaussians", f"{training['gaussians']:,}"))
    if training["psnr_heldout_db"] is not None:
        rows.append(("held-out PSNR", f"{training['psnr_heldout_db']:.2f} dB"))
    rows.append(("model", f"{compressor['sog_bytes'] / MEGABYTE:.2f} MB"))
    if compressor["psnr_loss_db"] is not None:
        rows.append(("lost by compression", f"{compressor['psnr_loss_db']:.2f} dB"))
    rows.append(("SfM", f"{sfm['seconds']:.0f} s"))
    rows.append(("training", f"{training['seconds']:.0f} s"))
    rows.append(("compression", f"{compressor['seconds']:.0f} s"))
    rows.append(("peak memory", f"{report['peak_memory_bytes'] / 1e9:.1f} GB"))
    return rows


def print_table(console: Console, report: Json) -> None:
    """Prints the main figures."""
    table = Table(show_header=False, box=None, padding=(0, 2))
    for name, value in key_figures(report):
        table.add_row(name, value)
    console.print(table)


def draw(files: JobFiles, errors: CameraErrors | None) -> dict[str, Any]:
    """Draws the pictures of a finished job."""
    georeference = json.loads((files.sfm / "georeference.json").read_text())
    heldout = [
        (photo.stem, pictures.data_uri(photo), pictures.data_uri(photo.with_suffix(".render.png")))
        for photo in sorted((files.splat / "heldout").glob("*.png"))
        if not photo.name.endswith(".render.png")
    ]
    history = files.report["3dgs"]["quality"]["psnr_history"]
    gps = pictures.gps_positions(georeference, files.sfm)
    return {
        "above": pictures.view_from_above(files.sfm, errors, gps),
        "heldout": heldout,
        "psnr": pictures.psnr_over_time(history),
        "timings": pictures.stage_timings(files.report),
    }


def write_html(path: Path, report: Json, drawn: dict[str, Any] | None) -> None:
    """Writes report.html, self-contained, whole or not at all."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    page = environment.get_template(TEMPLATE).render(
        report=report, figures=key_figures(report), pictures=drawn
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(page)
    partial.replace(path)
