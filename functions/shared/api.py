"""REST APIs: the resolver with CORS, typed requests and answers, and errors of functions behind API Gateway.

A route says its types: the body as `Annotated[Model, Body()]`, who calls as `caller: SignedIn`, ids in the
path and paging by the types below. Powertools checks them before the route runs and its answer afterwards;
`functions/openapi` writes the document of an API from the same types.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
    ResponseValidationError,
)
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.request import Request
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from functions.shared.claims import Caller, caller_from_claims
from functions.shared.docstrings import attributes, prose
from functions.shared.errors import (
    ApiError,
    bad_request,
    busy,
    error_body,
    internal,
    not_found,
    unauthorized,
)
from functions.shared.observability import logger, tracer
from functions.shared.outages import is_outage
from functions.shared.request_body import read_body
from functions.shared.settings import EnvSettings, comma_list, load_settings
from functions.shared.stores import BadCursorError

MAX_PAGE = 200
PREFLIGHT_SECONDS = 600
REQUEST_HEADERS = ("If-Match", "Idempotency-Key")
"""Headers, besides the usual ones, that pages may send."""
ANSWER_HEADERS = ("ETag", "Retry-After")
"""Headers, besides the usual ones, that pages may read."""
_JSON, _UNKNOWN = "application/json", "application/octet-stream"


class _DescribedModel(BaseModel):
    """A model whose schema says what its docstring does, the section `Attributes` at its fields."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        schema["description"] = prose(cls.__doc__)
        said: dict[str, str] = {}
        for ancestor in reversed(cls.__mro__):
            said |= attributes(ancestor.__doc__)
        for name, field in cls.model_fields.items():
            written = schema["properties"][field.serialization_alias or field.alias or name]
            written.pop("title", None)
            if name in said:
                form = written.get("description")
                written["description"] = f"{said[name].rstrip('.')}: {form}" if form else said[name]
        return reference


class ApiModel(_DescribedModel):
    """Base of request bodies: camelCase in JSON, and nothing is converted.

    What older clients send beyond the fields is dropped.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        strict=True,
        str_strip_whitespace=True,
    )


class AnswerModel(_DescribedModel):
    """Base of answers: camelCase in JSON, and nothing that is not written down."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        serialize_by_alias=True,
        json_schema_mode_override="serialization",
    )


class Problem(AnswerModel):
    """What every error answers.

    Attributes:
        error: What is wrong and what to do, for people.
        code: Stable code, for programs.
        request_id: Under which the log has more.
    """

    error: str
    code: str
    request_id: str


OneLine = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$")
]
"""A text without line breaks, other control characters, and those that turn the direction of what follows."""
PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]
"""An id in the path; one that nothing could be called by is not found."""
PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most.")]
PageCursor = Annotated[str | None, Query(max_length=4096, description="`nextCursor` of the page before.")]


def _claims(event: BaseProxyEvent) -> dict[str, Any]:
    authorizer = event.raw_event.get("requestContext", {}).get("authorizer")
    claims = authorizer.get("claims") if isinstance(authorizer, dict) else None
    return claims if isinstance(claims, dict) else {}


def _signed_in(request: Request) -> Caller:
    return caller_from_claims(_claims(request.resolved_event))


def _source_ip(request: Request) -> str:
    identity = request.resolved_event.raw_event.get("requestContext", {}).get("identity")
    return str(identity.get("sourceIp") or "") if isinstance(identity, dict) else ""


SignedIn = Annotated[Caller, Depends(_signed_in)]
"""Who sent the request; without claims of the authorizer the answer is 401."""
SourceIp = Annotated[str, Depends(_source_ip)]
"""From which address the request came, as API Gateway saw it; "" when it says nothing."""

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]
Refusal = Callable[[Any], ApiError]
"""Says what the client is told of an error of a function's own."""


def new_router() -> Router:
    """Make an empty set of routes."""
    return Router()  # type: ignore[no-untyped-call] # Powertools leaves this constructor untyped


def api_handler(
    router: Router,
    settings: type[EnvSettings],
    *,
    public: bool = False,
    refusals: Mapping[type[Exception], Refusal] | None = None,
) -> Handler:
    """Make the Lambda handler of a function behind API Gateway.

    Args:
        router: The function's routes.
        settings: Its settings, with `allowed_origins`; read at the first request.
        public: Whether its routes are open to callers without a token.
        refusals: How errors of the function's own are told to the client.

    Returns:
        The handler.
    """

    @cache
    def app() -> APIGatewayRestResolver:
        loaded: Any = load_settings(settings)
        return build_api(router, loaded.allowed_origins, public=public, refusals=refusals or {})

    @logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
    @tracer.capture_lambda_handler(capture_response=False)
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        return app().resolve({**event, **_with_json_only(event)}, context)

    answers: Handler = handler
    return answers


def build_api(
    router: Router, allowed_origins: str, *, public: bool, refusals: Mapping[type[Exception], Refusal]
) -> APIGatewayRestResolver:
    """Make the resolver of one function.

    Args:
        router: The function's routes.
        allowed_origins: Comma list of the origins whose pages may call.
        public: Whether its routes are open to callers without a token; others are not told what a request
            lacks.
        refusals: How errors of the function's own are told to the client.

    Returns:
        The resolver: preflights answered, requests and answers checked, errors in the one shape.
    """
    origins = comma_list(allowed_origins)
    cors = CORSConfig(
        allow_origin=origins[0] if origins else "null",
        extra_origins=list(origins[1:]),
        allow_headers=list(REQUEST_HEADERS),
        expose_headers=list(ANSWER_HEADERS),
        max_age=PREFLIGHT_SECONDS,
    )
    app = APIGatewayRestResolver(
        cors=cors,
        serializer=_to_json,
        enable_validation=True,
        response_validation_error_http_code=HTTPStatus.INTERNAL_SERVER_ERROR,
        json_body_deserializer=read_body,
    )
    app.include_router(router)

    def answer(error: ApiError) -> Response[str]:
        request_id = app.current_event.request_context.request_id or ""
        return Response(
            status_code=int(error.status),
            content_type=_JSON,
            body=_to_json(error_body(error, request_id)),
            headers=dict(error.headers),
        )

    def told(error: ApiError) -> Response[str]:
        logger.info("refused", extra={"code": error.code, "status": int(error.status)})
        return answer(error)

    def invalid(error: RequestValidationError) -> Response[str]:
        if not (public or _claims(app.current_event)):
            return told(unauthorized())
        return told(refusal(error.errors()))

    def wrong_answer(error: ResponseValidationError) -> Response[str]:
        fields = [problem["loc"] for problem in error.errors()]
        logger.error("an answer is not as its route says", extra={"fields": fields})
        return answer(internal())

    def untold(error: Exception) -> Response[str]:
        if is_outage(error):
            logger.warning("a service is busy", extra={"error": type(error).__name__})
            return answer(busy())
        logger.exception("unexpected error")
        return answer(internal())

    for kind, translate in {**_REFUSALS, **refusals}.items():
        app.exception_handler(kind)(lambda error, translate=translate: told(translate(error)))
    app.exception_handler(RequestValidationError)(invalid)
    app.exception_handler(ResponseValidationError)(wrong_answer)
    app.exception_handler(Exception)(untold)
    return app


def _with_json_only(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give an event's headers with a content type that is not JSON as one that no route takes.

    Powertools reads forms, too: those a page of any origin may send without a preflight.
    """
    return {
        of: {
            name: _json_or_unknown(value) if name.lower() == "content-type" else value
            for name, value in (event.get(of) or {}).items()
        }
        for of in ("headers", "multiValueHeaders")
    }


def _json_or_unknown(content_type: str | list[str]) -> str | list[str]:
    if isinstance(content_type, list):
        return [str(_json_or_unknown(one)) for one in content_type]
    return _JSON if content_type.partition(";")[0].strip().lower() == _JSON else _UNKNOWN


def refusal(problems: Sequence[Mapping[str, Any]]) -> ApiError:
    """Say which fields of a request are wrong, without repeating their values.

    Args:
        problems: As pydantic tells them, with `loc` beginning at where a field stands.

    Returns:
        404 when an id in the path is one that nothing could have, else 400.
    """
    for problem in problems:
        if problem["loc"][0] == "path":
            return not_found(str(problem["loc"][1]).removesuffix("_id").replace("_", " "))
    sentences = []
    for problem in problems:
        place, *names = (str(part) for part in problem["loc"])
        field = ".".join(names) or place
        sentences.append(f"{field}: {str(problem['msg']).removeprefix('Value error, ')}")
    return bad_request("INVALID_REQUEST", "; ".join(sentences[:10]))


def not_json() -> ApiError:
    """415: the request's body says that it is something else."""
    return ApiError(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "NOT_JSON",
        "Send the body as JSON, with Content-Type: application/json.",
    )


_REFUSALS: Mapping[type[Exception], Refusal] = {
    ApiError: lambda error: error,
    BadCursorError: lambda _: bad_request("INVALID_CURSOR", "cursor: not one that this list has given"),
    NotFoundError: lambda _: not_found("address"),
    RequestUnsupportedContentType: lambda _: not_json(),
}


def _to_json(value: Any) -> str:  # noqa: ANN401 -- whatever a route returns
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
