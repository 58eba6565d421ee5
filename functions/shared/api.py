"""REST APIs: the resolver with CORS, request parsing and errors of every function behind API Gateway."""

import json
import re
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
from botocore.exceptions import ClientError
from botocore.exceptions import ConnectionError as AwsConnectionError
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from functions.shared.claims import Caller, caller_from_claims
from functions.shared.errors import ApiError, bad_request, busy, error_body, internal, not_found, too_large
from functions.shared.observability import logger
from functions.shared.settings import comma_list
from functions.shared.stores import BadCursorError

MAX_BODY_CHARACTERS = 1_000_000
MAX_PAGE = 200
PREFLIGHT_SECONDS = 600
THROTTLING_CODES = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)


class ApiModel(BaseModel):
    """Base of request bodies: camelCase in JSON; what older clients send beyond them is dropped."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        str_strip_whitespace=True,
    )


OneLine = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A text without line breaks and other control characters."""
_PATH_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")

ModelT = TypeVar("ModelT", bound=BaseModel)


def new_router() -> Router:
    """Make an empty set of routes."""
    return Router()  # type: ignore[no-untyped-call] # Powertools leaves this constructor untyped


def parse_body(event: BaseProxyEvent, model: type[ModelT]) -> ModelT:
    """Parse a request's JSON body.

    Args:
        event: The proxy event.
        model: What the body must be.

    Returns:
        The checked body.

    Raises:
        ApiError: 413 when it is too long, 400 when it is no JSON object or a field is wrong; the sentence
            names the field, never its value.
    """
    text = event.decoded_body or "{}"
    if len(text) > MAX_BODY_CHARACTERS:
        raise too_large("BODY_TOO_LARGE", f"The request is longer than {MAX_BODY_CHARACTERS:,} characters.")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_request("INVALID_JSON", "The request's body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise bad_request("INVALID_JSON", "The request's body must be a JSON object.")
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise bad_request("INVALID_REQUEST", describe_validation(error)) from error


def describe_validation(error: ValidationError) -> str:
    """Name each wrong field and what is wrong with it, without repeating its value."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part) for part in problem["loc"]) or "body"
        problems.append(f"{field}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(problems[:10])


def page_of(event: BaseProxyEvent) -> tuple[int, str | None]:
    """Read the paging of a list route: `?limit=` (1 to 200) and `?cursor=`.

    Raises:
        ApiError: 400 when the limit is out of range.
    """
    parameters = event.query_string_parameters or {}
    limit = parameters.get("limit") or str(MAX_PAGE)
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:6]) <= MAX_PAGE):
        raise bad_request("INVALID_REQUEST", f"limit: must be a whole number from 1 to {MAX_PAGE}")
    return int(limit), parameters.get("cursor") or None


def path_id(value: str, what: str) -> str:
    """Check an id that came in the path.

    Raises:
        ApiError: 404 when nothing could be called so.
    """
    if not _PATH_ID.fullmatch(value):
        raise not_found(what)
    return value


def caller_of(event: BaseProxyEvent) -> Caller:
    """Say who sent the request.

    Raises:
        ApiError: 401 when the authorizer left no claims.
    """
    authorizer = event.raw_event.get("requestContext", {}).get("authorizer")
    claims = authorizer.get("claims") if isinstance(authorizer, dict) else None
    return caller_from_claims(claims if isinstance(claims, dict) else {})


def source_ip_of(event: BaseProxyEvent) -> str:
    """Say from which address the request came, as API Gateway saw it; "" when it says nothing."""
    identity = event.raw_event.get("requestContext", {}).get("identity")
    return str(identity.get("sourceIp") or "") if isinstance(identity, dict) else ""


def build_api(router: Router, allowed_origins: str) -> APIGatewayRestResolver:
    """Make the resolver of one function.

    Args:
        router: The function's routes.
        allowed_origins: Comma list of the origins whose pages may call.

    Returns:
        The resolver: preflights answered, errors in the one shape.
    """
    origins = comma_list(allowed_origins)
    cors = CORSConfig(
        allow_origin=origins[0] if origins else "null",
        extra_origins=list(origins[1:]),
        max_age=PREFLIGHT_SECONDS,
    )
    app = APIGatewayRestResolver(cors=cors, serializer=_to_json)
    app.include_router(router)

    def answer(error: ApiError) -> Response[str]:
        request_id = app.current_event.request_context.request_id or ""
        return Response(
            status_code=int(error.status),
            content_type="application/json",
            body=_to_json(error_body(error, request_id)),
            headers=dict(error.headers),
        )

    def told(error: ApiError) -> Response[str]:
        logger.info("refused", extra={"code": error.code, "status": int(error.status)})
        return answer(error)

    def unknown_route(_error: NotFoundError) -> Response[str]:
        return answer(not_found("address"))

    def bad_cursor(_error: BadCursorError) -> Response[str]:
        return answer(bad_request("INVALID_CURSOR", "cursor: not one that this list has given"))

    def untold(error: Exception) -> Response[str]:
        if is_throttling(error):
            logger.warning("a service is busy", extra={"error": type(error).__name__})
            return answer(busy())
        logger.exception("unexpected error")
        return answer(internal())

    app.exception_handler(ApiError)(told)
    app.exception_handler(BadCursorError)(bad_cursor)
    app.exception_handler(Exception)(untold)
    app.not_found(unknown_route)
    return app


def is_throttling(error: Exception) -> bool:
    """Tell whether repeating the request later can help."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        retryable_status = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
        return retryable_status or error.response.get("Error", {}).get("Code") in THROTTLING_CODES
    return isinstance(error, AwsConnectionError)


def _to_json(value: Any) -> str:  # noqa: ANN401 -- whatever a route returns
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
