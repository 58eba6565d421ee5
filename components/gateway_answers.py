"""What API Gateway itself answers where no function is asked: the errors' one shape, as pure data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ALLOWED_HEADERS = "Authorization,Content-Type,Idempotency-Key,If-Match"
_HEADER = "gatewayresponse.header."


@dataclass(frozen=True)
class Answer:
    """An answer of the gateway's own.

    Attributes:
        code: Stable code, as in `functions/shared/errors.py`.
        sentence: What is wrong and what to do, for people.
        status: HTTP status, where it is not the type's own.
        headers: Further headers.
    """

    code: str
    sentence: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """Body of the answer."""
        return json.dumps(
            {"error": self.sentence, "code": self.code, "requestId": "$context.requestId"},
            separators=(",", ":"),
        )


_UNKNOWN = Answer("NOT_FOUND", "There is no such address.", status=404)
ANSWERS: Mapping[str, Answer] = {
    "BAD_REQUEST_BODY": Answer("INVALID_JSON", "The request's body must be a JSON object."),
    "UNAUTHORIZED": Answer("UNAUTHORIZED", "Sign in first."),
    # This is what AWS answers to an address or a method that it does not know.
    "MISSING_AUTHENTICATION_TOKEN": _UNKNOWN,
    "REQUEST_TOO_LARGE": Answer("BODY_TOO_LARGE", "The request is larger than 10 MB."),
    "THROTTLED": Answer(
        "TOO_MANY_REQUESTS", "Too many requests. Try again in a few seconds.", headers={"Retry-After": "3"}
    ),
    "DEFAULT_4XX": Answer("REFUSED", "The request cannot be answered as it is."),
    "DEFAULT_5XX": Answer("INTERNAL", "Something went wrong on our side. Try again later."),
}
"""By API Gateway's type of answer (API Gateway Developer Guide, "Gateway response types")."""


def parameters(answer: Answer, allowed_origins: Sequence[str]) -> dict[str, str]:
    """Headers of an answer, in API Gateway's notation.

    `Access-Control-Allow-Origin` can hold one value: with several origins it is the caller's own, which gives
    nothing away, for these answers carry no data and no cookie counts here.
    """
    one_origin = len(allowed_origins) == 1
    return {
        f"{_HEADER}Access-Control-Allow-Origin": (
            f"'{allowed_origins[0]}'" if one_origin else "method.request.header.Origin"
        ),
        f"{_HEADER}Access-Control-Allow-Headers": f"'{ALLOWED_HEADERS}'",
        f"{_HEADER}Vary": "'Origin'",
        **{f"{_HEADER}{name}": f"'{value}'" for name, value in answer.headers.items()},
    }
