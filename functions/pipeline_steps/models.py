"""Events that the state machine sends."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter

from functions.shared.api import ApiModel
from functions.shared.job_names import UUID_PATTERN

JobId = Annotated[str, StringConstraints(pattern=f"^{UUID_PATTERN}$")]


class _Event(ApiModel):
    # The state machine hands numbers over as texts.
    model_config = ConfigDict(extra="ignore", strict=False)

    job_id: JobId


class QualityGate(_Event):
    """Look at the reconstruction, of this job or an earlier one, before a GPU is started for it."""

    action: Literal["quality_gate"]
    source_job_id: JobId


class WaitForMachine(_Event):
    """Tell that a step's job was refused, as the quota of machines is used up, and will be tried again."""

    action: Literal["wait_for_machine"]
    attempt: int
    step: Literal["sfm", "3dgs", "compressor"]
    retry: int = Field(alias="try")


class Publish(_Event):
    """Make the finished model reachable."""

    action: Literal["publish"]


StepEvent = TypeAdapter[QualityGate | WaitForMachine | Publish](
    Annotated[QualityGate | WaitForMachine | Publish, Field(discriminator="action")]
)
