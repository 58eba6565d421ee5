"""Events that start a check."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, StringConstraints, Tag, TypeAdapter

from functions.shared.api import ApiModel
from functions.shared.job_names import UUID_PATTERN


class _Event(ApiModel):
    # The state machine hands numbers over as texts.
    model_config = ConfigDict(extra="ignore", strict=False)


class JobCheck(_Event):
    """The state machine asks, before it starts a machine for a job.

    Attributes:
        capture_uri: The capture's folder, `s3://bucket/uploads/{owner}/{captureId}/`.
    """

    action: Literal["check_capture"]
    job_id: str | None = None
    capture_uri: str


class RequestedCheck(_Event):
    """The upload API asks, for the capture's owner.

    Attributes:
        requested_at: When, in epoch milliseconds, as the capture's row has it.
    """

    capture_id: Annotated[str, StringConstraints(pattern=f"^{UUID_PATTERN}$")]
    owner: str = Field(min_length=1)
    requested_at: int


def _kind(event: object) -> str:
    return "job" if isinstance(event, dict) and "action" in event else "requested"


CheckEvent = TypeAdapter[JobCheck | RequestedCheck](
    Annotated[
        Annotated[JobCheck, Tag("job")] | Annotated[RequestedCheck, Tag("requested")],
        Discriminator(_kind),
    ]
)
