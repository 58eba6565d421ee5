"""Services that are busy or away: how that is recognised, and how half-done work is taken back then."""

from collections.abc import Callable
from http import HTTPStatus

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as AwsConnectionError

from functions.shared.observability import logger

BUSY_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "ExecutionLimitExceeded",
        "LimitExceededException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""What services answer with 4xx although the request is right; all that they answer with 5xx passes, too."""


def is_outage(error: BaseException) -> bool:
    """Tell whether a service was busy or away, so that repeating the request later can help."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        passing = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return passing or error.response.get("Error", {}).get("Code") in BUSY_CODES
    return isinstance(error, AwsConnectionError | HTTPClientError | IncompleteReadError)


def was_repeated(error: ClientError) -> bool:
    """Tell whether the call was sent more than once: the first one may have taken effect, its answer lost."""
    return bool(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0))


def take_back(*steps: Callable[[], object]) -> None:
    """Take back what was done before something failed, as far as that goes.

    Args:
        steps: What to do, each whatever becomes of the others: the failure before them is what is told.
    """
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 -- the failure that led here is told, not this one
            logger.warning("not taken back", extra={"error": type(error).__name__})
