"""Where a job's files are: SageMaker's folder layout, under any base folder."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DEFAULT_BASE = Path("/opt/ml")
BASE_VARIABLE = "SPACEPORT_ML_BASE"


@dataclass(frozen=True)
class JobPaths:
    """The folders and files of one job below `base`, as SageMaker mounts them."""

    base: Path

    @classmethod
    def from_env(cls) -> Self:
        """Takes the base from `$SPACEPORT_ML_BASE`, or `/opt/ml` when it is unset or empty."""
        return cls(Path(os.environ.get(BASE_VARIABLE) or DEFAULT_BASE))

    @property
    def hyperparameters(self) -> Path:
        """The training job's options: a JSON object of strings."""
        return self.base / "input" / "config" / "hyperparameters.json"

    @property
    def model(self) -> Path:
        """The training job's result folder."""
        return self.base / "model"

    @property
    def output_data(self) -> Path:
        """The training job's second result folder."""
        return self.base / "output" / "data"

    @property
    def checkpoints(self) -> Path:
        """The only folder that is synchronised while a training job runs."""
        return self.base / "checkpoints"

    @property
    def failure(self) -> Path:
        """Why a training job failed."""
        return self.base / "output" / "failure"

    @property
    def message(self) -> Path:
        """Why a processing job failed."""
        return self.base / "output" / "message"

    def channel(self, name: str) -> Path:
        """The folder of a training job's input channel."""
        return self.base / "input" / "data" / name

    def processing_input(self, name: str) -> Path:
        """The folder of a processing job's input."""
        return self.base / "processing" / "input" / name

    def processing_output(self, name: str) -> Path:
        """The folder of a processing job's output."""
        return self.base / "processing" / "output" / name
