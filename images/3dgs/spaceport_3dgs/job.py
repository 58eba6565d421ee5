"""The 3DGS step as a job: the contract's folders around the training."""

import resource
import sys

import gsplat
import numba
import numpy as np
import torch
from spaceport_job import JobContext, run_training
from torch.nn import Parameter, ParameterDict

from spaceport_3dgs import cleaning, evaluation, result
from spaceport_3dgs.gaussians import to_splats
from spaceport_3dgs.options import TrainingOptions
from spaceport_3dgs.scene import Scene, read_scene
from spaceport_3dgs.trainer import Note, Trainer

CHANNEL = "sfm"
STAGES = {"read": 0.04, "train": 0.92, "measure": 0.04}
Context = JobContext[TrainingOptions]


def run(context: Context) -> None:
    """Trains on `input/data/sfm` and writes the model into the job's result folder."""
    scene = _read(context)
    trainer = Trainer(scene, context.options, context.paths.checkpoints)
    _describe_input(context, scene, trainer)
    resumed = trainer.resume()
    _train(context, trainer, resumed=resumed)
    context.termination.check()
    with context.progress.stage("measure", "Measuring and writing the model"):
        _finish(context, scene, trainer)


def main() -> int:
    """Runs the job with the options of hyperparameters.json; returns the exit code."""
    return run_training("3dgs", TrainingOptions, STAGES, run)


def _read(context: Context) -> Scene:
    with context.progress.stage("read", "Reading the photos"):

        def on_photo(fraction: float) -> None:
            context.termination.check()
            context.progress.update(fraction)

        return read_scene(
            context.paths.channel(CHANNEL),
            image_size=context.options.image_size,
            heldout_every=context.options.heldout_every,
            on_photo=on_photo,
        )


def _train(context: Context, trainer: Trainer, *, resumed: bool) -> None:
    options = context.options
    message = f"Going on from step {trainer.step}" if resumed else "Training"
    with context.progress.stage("train", message, completed=trainer.note.fraction):

        def on_note(note: Note) -> None:
            quality = "" if note.psnr_db is None else f", {note.psnr_db:.1f} dB on unseen photos"
            context.progress.update(
                note.fraction,
                f"Training: step {note.step} of {options.max_steps}, {note.gaussians} Gaussians{quality}",
                step=note.step,
                gaussians=note.gaussians,
                loss=note.loss,
                psnr_db=note.psnr_db,
            )

        trainer.run(on_note=on_note, should_stop=lambda: context.termination.requested)


def _finish(context: Context, scene: Scene, trainer: Trainer) -> None:
    """Cleans the model, measures what is left on the held-out photos, writes everything."""
    splats = to_splats(trainer.params, scene.extent)
    kept = cleaning.keep(splats, np.concatenate([scene.points, scene.centers]))
    mask = torch.from_numpy(kept).to(trainer.device)
    trainer.params = ParameterDict(
        {name: Parameter(value.detach()[mask]) for name, value in trainer.params.items()}
    )
    exposures = {}
    if context.options.exposure:
        for picture, transform in zip(trainer.train, trainer.exposure.transforms, strict=True):
            exposures[picture.photo.name] = transform
    measured = []
    for picture in trainer.heldout:
        context.termination.check()
        quality = trainer.measure(picture)
        exposures[picture.photo.name] = quality.transform
        result.write_heldout(context.result, picture.photo, quality)
        measured.append(quality)
    result.write_model(context.result, splats[kept], scene, exposures)
    report = context.report
    report.output = {
        "gaussians": int(kept.sum()),
        "gaussians_left_out": int((~kept).sum()),
        "steps": trainer.step,
        "train_seconds": round(trainer.seconds, 2),
        "peak_memory_mb": _peak_memory_mb(),
    }
    if trainer.device.type == "cuda":
        report.output["peak_gpu_memory_mb"] = torch.cuda.max_memory_allocated() // 2**20
    report.quality = {
        "psnr_heldout_db": _rounded(evaluation.mean([quality.psnr_db for quality in measured])),
        "psnr_heldout_raw_db": _rounded(evaluation.mean([quality.raw_db for quality in measured])),
        "ssim_heldout": _rounded(evaluation.mean([quality.ssim for quality in measured])),
        "psnr_history": [list(entry) for entry in trainer.history],
        "loss": round(trainer.loss, 5),
    }
    if trainer.step < context.options.max_steps:
        report.warnings.append(
            f"The time limit ended the training after {trainer.step} of {context.options.max_steps} steps."
        )


def _describe_input(context: Context, scene: Scene, trainer: Trainer) -> None:
    report = context.report
    sizes = sorted({(photo.view.width, photo.view.height) for photo in scene.photos})
    report.input = {
        "photos": len(scene.photos),
        "heldout": [picture.photo.name for picture in trainer.heldout],
        "points": len(scene.points),
        "points_left_out": scene.far_points,
        "image_size": list(sizes[-1]),
    }
    report.versions |= {
        "torch": torch.__version__,
        "gsplat": gsplat.__version__,
        "numba": numba.__version__,
        "device": torch.cuda.get_device_name() if trainer.device.type == "cuda" else "cpu",
    }
    if context.options.heldout_every and not trainer.heldout:
        report.warnings.append("There are too few photos to keep one unseen: the quality was not measured.")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _peak_memory_mb() -> int:
    """Of this process, on the host; Linux counts KiB, macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak // (1024 * 1024 if sys.platform == "darwin" else 1024))
