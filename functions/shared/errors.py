"""Errors as clients see them: one JSON shape, a stable code, a sentence for people."""

from http import HTTPStatus


class ApiError(Exception):
    """An error that is told to the client.

    Attributes:
        status: HTTP status, 4xx or 5xx.
        code: Stable code in upper-case words, for programs.
        sentence: What is wrong and what to do, for people.
        headers: Extra headers of the answer.
    """

    def __init__(
        self, status: HTTPStatus, code: str, sentence: str, *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.headers = headers or {}


def bad_request(code: str, sentence: str) -> ApiError:
    """400: the request itself is wrong."""
    return ApiError(HTTPStatus.BAD_REQUEST, code, sentence)


def unauthorized() -> ApiError:
    """401: no signed-in person stands behind the request."""
    return ApiError(HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED", "Sign in first.")


def forbidden(sentence: str) -> ApiError:
    """403: the person may not do this."""
    return ApiError(HTTPStatus.FORBIDDEN, "FORBIDDEN", sentence)


def not_found(what: str) -> ApiError:
    """404: it does not exist, or it is somebody else's: the answer is the same for both."""
    return ApiError(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"There is no such {what}.")


def conflict(code: str, sentence: str) -> ApiError:
    """409: right in itself, but not in the present state."""
    return ApiError(HTTPStatus.CONFLICT, code, sentence)


def precondition_failed(code: str, sentence: str) -> ApiError:
    """412: a condition in the request's headers does not hold."""
    return ApiError(HTTPStatus.PRECONDITION_FAILED, code, sentence)


def too_large(code: str, sentence: str) -> ApiError:
    """413: over a limit of size."""
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code, sentence)


def too_many(sentence: str, *, retry_after_seconds: int) -> ApiError:
    """429: over a limit of requests."""
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        "TOO_MANY_REQUESTS",
        sentence,
        headers={"Retry-After": str(retry_after_seconds)},
    )


def busy() -> ApiError:
    """503: a service behind us is throttling or away; nothing was lost, repeat."""
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "BUSY",
        "We are busy. Try again in a few seconds.",
        headers={"Retry-After": "3"},
    )


def internal() -> ApiError:
    """500: our fault; what it was stands in the log under the request id, never in the answer."""
    return ApiError(
        HTTPStatus.INTERNAL_SERVER_ERROR, "INTERNAL", "Something went wrong on our side. Try again later."
    )


def error_body(error: ApiError, request_id: str) -> dict[str, str]:
    """Give the JSON shape that every error has."""
    return {"error": error.sentence, "code": error.code, "requestId": request_id}
