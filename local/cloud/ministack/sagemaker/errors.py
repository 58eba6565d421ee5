"""Why a request is refused or a job fails, in SageMaker's terms."""


class ApiError(Exception):
    """A refused request.

    Attributes:
        code: AWS's error code.
        status: The HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class JobError(Exception):
    """What makes a job fail; the text is its FailureReason, with its class in front (`ClientError: ...`)."""


class JobWaitedTooLong(Exception):  # noqa: N818 - not an error
    """A spot job found no machine for as long as it may wait."""


class JobStopped(Exception):  # noqa: N818 - not an error
    """The job was asked to stop before its container ran."""
