"""What housekeeping is asked for."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.:-]+$")]
"""An id that is part of a key: no slash, so that it names one folder."""


class _Request(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)

    owner: Id


class RemoveProject(_Request):
    """Remove a project with its captures, flight plans, jobs and exports.

    Attributes:
        owner: Its owner's `sub`.
        deleting_at: The mark that its row must bear.
    """

    action: Literal["remove_project"]
    project_id: Id
    deleting_at: int


class RemoveCapture(_Request):
    """Remove a capture with its photos; else as `RemoveProject`."""

    action: Literal["remove_capture"]
    capture_id: Id
    deleting_at: int


class RemoveJob(_Request):
    """Remove a job with its model and links; else as `RemoveProject`."""

    action: Literal["remove_job"]
    job_id: Id
    deleting_at: int


class ExportProject(_Request):
    """Write all that belongs to a project into one archive.

    Attributes:
        owner: Its owner's `sub`.
        export_id: The export that its row must tell of.
    """

    action: Literal["export_project"]
    project_id: Id
    export_id: Id


Request = RemoveProject | RemoveCapture | RemoveJob | ExportProject
_ADAPTER = TypeAdapter[Request](Annotated[Request, Field(discriminator="action")])


def parse_request(event: dict[str, Any]) -> Request:
    """Read a request.

    Raises:
        pydantic.ValidationError: It is none.
    """
    return _ADAPTER.validate_python(event)
