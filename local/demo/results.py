"""What a demo found out, as the numbers of report.json."""

import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.demo.evaluate import CameraErrors, compare_cameras
from local.demo.photos import Capture

Json = dict[str, Any]


@dataclass(frozen=True)
class JobFiles:
    """Where the files of a finished job were copied to.

    Attributes:
        sfm: The SfM result, without its images.
        splat: The unpacked result of the training.
        report: The model's own report.json, all steps in one.
    """

    sfm: Path
    splat: Path
    report: Json


@dataclass(frozen=True)
class Timings:
    """How long things took, in seconds."""

    deploy: float
    upload: float
    job: float
    total: float


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a model.tar.gz."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def camera_errors(capture: Capture, files: JobFiles) -> CameraErrors | None:
    """Compares the cameras with the truth, where the capture has one."""
    return compare_cameras(files.sfm, capture.truth) if capture.truth else None


def report_of_failure(
    capture: Capture, *, job_id: str, job: Json, estimated: Json, resources: int, timings: Timings
) -> Json:
    """Returns the content of report.json for a job that made no model."""
    return {
        **_frame(capture, resources, timings),
        **_spent(job, estimated),
        "job_id": job_id,
        "status": job["status"],
        "error": {"message": job["error"]["sentence"], "next_step": job["error"]["nextStep"]},
        "model_url": None,
    }


def report_of_success(
    capture: Capture,
    *,
    job_id: str,
    job: Json,
    estimated: Json,
    resources: int,
    timings: Timings,
    files: JobFiles,
    errors: CameraErrors | None,
    model_url: str,
    peak_bytes: int,
) -> Json:
    """Returns the content of report.json for a job that made a model."""
    sfm, training, compressor = (files.report[step] for step in ("sfm", "3dgs", "compressor"))
    return {
        **_frame(capture, resources, timings),
        **_spent(job, estimated),
        "sfm": {
            "seconds": sfm["seconds"],
            "registered": sfm["output"]["registered"],
            "points": sfm["output"]["points"],
            "reprojection_px": sfm["quality"]["reprojection_px"],
            "shape_rmse_m": errors.shape_rmse_m if errors else None,
            "georef_rmse_m": errors.georef_rmse_m if errors else None,
        },
        "3dgs": {
            "seconds": training["seconds"],
            "steps": training["output"]["steps"],
            "gaussians": training["output"]["gaussians"],
            "psnr_heldout_db": training["quality"]["psnr_heldout_db"],
        },
        "compressor": {
            "seconds": compressor["seconds"],
            "sog_bytes": compressor["output"]["sog_bytes"],
            "gaussians": compressor["output"]["gaussians"],
            "psnr_loss_db": compressor["quality"]["psnr_loss_db"],
        },
        "model_url": model_url,
        "job_id": job_id,
        "status": job["status"],
        "warnings": [warning for step in (sfm, training, compressor) for warning in step["warnings"]],
        "peak_memory_bytes": peak_bytes,
    }


def _frame(capture: Capture, resources: int, timings: Timings) -> Json:
    return {
        "resources": resources,
        "deploy_seconds": round(timings.deploy, 2),
        "upload_seconds": round(timings.upload, 2),
        "job_seconds": round(timings.job, 2),
        "total_seconds": round(timings.total, 2),
        "capture": {"photos": len(capture.files), "source": capture.source},
    }


def _spent(job: Json, estimated: Json) -> Json:
    """What the job was expected to take on AWS, and what its machines took here, at AWS's prices."""
    return {
        "estimate": {
            "machine_seconds": {step: one["seconds"]["likely"] for step, one in estimated["steps"].items()},
            "usd": estimated["usd"]["likely"] if estimated["usd"] else None,
        },
        "cost": {
            "machine_seconds": {step: one["seconds"] for step, one in job["cost"]["bySteps"].items()},
            "usd": job["cost"]["usd"],
        },
    }


def write_json(path: Path, content: Json) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=2) + "\n")
    partial.replace(path)
