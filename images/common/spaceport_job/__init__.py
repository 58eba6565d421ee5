"""The job contract that every Spaceport container follows: files in, files out, no knowledge of the cloud.

Modules: `paths` (where the files are), `options` (typed options from a command line or a hyperparameters
file), `records` (the JSON files), `progress`, `failure`, `termination`, and `run`, which ties them around
a job.
"""

from spaceport_job.failure import CaptureError, InputError
from spaceport_job.options import JobOptions, OptionsError, load_options
from spaceport_job.paths import JobPaths
from spaceport_job.progress import ProgressWriter
from spaceport_job.records import (
    Camera,
    CameraSet,
    Georeference,
    MergedReport,
    Origin,
    Progress,
    Report,
    Residuals,
    Similarity,
    Step,
    write_json,
)
from spaceport_job.run import JobContext, run_processing, run_training
from spaceport_job.termination import Terminated, Termination

__all__ = [
    "Camera",
    "CameraSet",
    "CaptureError",
    "Georeference",
    "InputError",
    "JobContext",
    "JobOptions",
    "JobPaths",
    "MergedReport",
    "OptionsError",
    "Origin",
    "Progress",
    "ProgressWriter",
    "Report",
    "Residuals",
    "Similarity",
    "Step",
    "Terminated",
    "Termination",
    "load_options",
    "run_processing",
    "run_training",
    "write_json",
]
