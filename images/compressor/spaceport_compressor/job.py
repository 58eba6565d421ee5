"""The compressor step: unpack, tidy up, encode, measure, write the folder that opens in a browser."""

import os
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
from spaceport_job.records import Report, write_json
from spaceport_job.run import JobContext
from spaceport_splat.splats import Splats

from spaceport_compressor import model_folder
from spaceport_compressor.cleaning import Cleaned, clean
from spaceport_compressor.errors import ModelFolderError
from spaceport_compressor.model_folder import ModelFolder, read_model_folder, read_record, unpack
from spaceport_compressor.opening_view import OpeningView, opening_view
from spaceport_compressor.options import CompressorOptions
from spaceport_compressor.quality import ViewQuality, measure, psnr_loss, to_bytes
from spaceport_compressor.rendering import render_opening
from spaceport_compressor.report_page import PAGE, PicturePair, jpeg, write_report_page
from spaceport_compressor.sog_reader import read_sog
from spaceport_compressor.sog_writer import SogSettings, write_sog
from spaceport_compressor.spz import write_spz
from spaceport_compressor.viewer_files import copy_viewer, viewer_folder
from spaceport_compressor.viewer_settings import BACKGROUND, SETTINGS, viewer_settings

OUTPUT = "model"
SOG = "model.sog"
SPZ = "model.spz"
PREVIEW = "preview.jpg"
STAGES = {"unpack": 0.1, "encode": 0.35, "measure": 0.4, "page": 0.15}

_PREVIEW_QUALITY = 88
_MOST_PAIRS = 4
_NOTABLE_LOSS_DB = 0.5
_LIBRARIES = ("numpy", "pillow", "numba", "threadpoolctl")

Context = JobContext[CompressorOptions]


def compress(context: Context) -> None:
    """Runs the step; `context.result` becomes the model folder.

    Raises:
        ModelFolderError: The training step's result is missing or damaged.
        ViewerFilesError: The viewer page was not built.
    """
    viewer = viewer_folder()
    with tempfile.TemporaryDirectory() as scratch:
        with context.progress.stage("unpack", "Reading the trained model"):
            model, cleaned = _read(context, Path(scratch))
        context.termination.check()
        with context.progress.stage("encode", "Packing the model for the web"):
            packed = _encode(context, cleaned.splats)
        context.termination.check()
        with context.progress.stage("measure", "Measuring what the packing cost"):
            views = _measure(context, model, packed)
    context.termination.check()
    with context.progress.stage("page", "Writing the page"):
        view = opening_view(model.cameras.views, packed.means)
        preview = _write_preview(context, packed, view)
        write_json(context.result / SETTINGS, viewer_settings(view, context.options.title))
        write_json(context.result / model_folder.CAMERAS, model.cameras)
        write_json(context.result / model_folder.GEOREFERENCE, model.georeference)
        copy_viewer(viewer, context.result)
        context.report.versions |= {name: version(name) for name in _LIBRARIES}
    _write_report_page(context, model, preview, views)


def _read(context: Context, scratch: Path) -> tuple[ModelFolder, Cleaned]:
    paths, options, report = context.paths, context.options, context.report
    sfm = read_record(paths.processing_input("sfm") / model_folder.REPORT, Report)
    archive = paths.processing_input("model") / model_folder.ARCHIVE
    unpack(archive, scratch)
    model = read_model_folder(scratch)
    context.upstream = {"sfm": sfm, "3dgs": model.report}
    cleaned = clean(model.splats, min_opacity=options.min_opacity, sh_degree=options.sh_degree)
    count = len(model.splats)
    if not len(cleaned.splats):
        raise ModelFolderError(f"None of the trained model's {count} splats can be seen.")
    if cleaned.broken:
        report.warnings.append(f"{cleaned.broken} of {count} splats held invalid numbers and were left out.")
    report.input = {
        "model_bytes": archive.stat().st_size,
        "gaussians": count,
        "ply_bytes": (scratch / model_folder.SPLATS).stat().st_size,
    }
    report.output = {
        "gaussians": len(cleaned.splats),
        "left_out_broken": cleaned.broken,
        "left_out_transparent": cleaned.transparent,
    }
    return model, cleaned


def _encode(context: Context, splats: Splats) -> Splats:
    """Writes the page's SOG and the SPZ for other programs; returns what the SOG says when read back."""
    options = context.options

    def on_round(done: int) -> None:
        context.termination.check()
        context.progress.update(done / (options.palette_rounds + 1), gaussians=len(splats))

    target = context.result / SOG
    settings = SogSettings(
        palette_size=options.sh_palette or None,
        palette_rounds=options.palette_rounds,
        weigh_by_visibility=options.weigh_by_visibility,
        seed=options.seed,
        threads=os.cpu_count() or 1,
    )
    write_sog(splats, target, settings, on_round=on_round)
    write_spz(splats, context.result / SPZ)
    context.report.output["sog_bytes"] = target.stat().st_size
    context.report.output["spz_bytes"] = (context.result / SPZ).stat().st_size
    return read_sog(target)


def _measure(context: Context, model: ModelFolder, packed: Splats) -> list[ViewQuality]:
    report = context.report
    heldout = [view for view in model.cameras.views if view.split == "heldout"]
    photos = [(view, photo) for view in heldout if (photo := model.heldout_photo(view.name))]

    def before_view(done: int) -> None:
        context.termination.check()
        context.progress.update(done / len(photos))

    views = measure(model.splats, packed, photos, before_view=before_view)
    loss = psnr_loss(views)
    report.quality = {
        "psnr_loss_db": None if loss is None else round(loss, 4),
        "psnr_source_db": _mean([view.source_db for view in views]),
        "psnr_packed_db": _mean([view.packed_db for view in views]),
        "psnr_between_db": _mean([view.between_db for view in views]),
        "heldout_views": len(views),
    }
    if loss is None:
        report.warnings.append("No photos were held out of the training, so the loss by packing is unknown.")
    elif loss > _NOTABLE_LOSS_DB:
        report.warnings.append(
            f"Packing the model cost {loss:.1f} dB of likeness to the photos; a larger palette keeps more."
        )
    if missing := len(heldout) - len(photos):
        report.warnings.append(f"{missing} of {len(heldout)} held-out photos are missing from the model.")
    return views


def _write_preview(context: Context, splats: Splats, view: OpeningView) -> bytes:
    options = context.options
    picture = render_opening(
        splats, view, width=options.preview_width, height=options.preview_height, background=BACKGROUND
    )
    preview = jpeg(to_bytes(picture), quality=_PREVIEW_QUALITY)
    (context.result / PREVIEW).write_bytes(preview)
    return preview


def _write_report_page(
    context: Context, model: ModelFolder, preview: bytes, views: Sequence[ViewQuality]
) -> None:
    context.report.stages = {name: round(seconds, 3) for name, seconds in context.progress.seconds.items()}
    chosen = np.unique(np.linspace(0, len(views) - 1, min(len(views), _MOST_PAIRS)).round().astype(int))
    write_report_page(
        context.result / PAGE,
        title=context.options.title,
        preview=preview,
        reports={**context.upstream, context.report.step: context.report},
        georeference=model.georeference,
        pairs=[
            PicturePair(
                views[index].name,
                views[index].packed_db,
                to_bytes(views[index].photo),
                to_bytes(views[index].render),
            )
            for index in chosen
        ],
    )


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None
