"""Requests that may come twice: the second answers what the first did, and makes nothing."""

import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler.openapi.params import Header
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyItemAlreadyExistsError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from aws_lambda_powertools.utilities.idempotency.serialization.pydantic import PydanticSerializer
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError

from functions.shared.api import AnswerModel
from functions.shared.aws import dynamodb
from functions.shared.errors import ApiError, bad_request, conflict
from functions.shared.observability import logger
from functions.shared.outages import was_repeated

KEPT_SECONDS = 24 * 3600
"""How long an answer is kept for a request of the same key."""
_WAIT_SECONDS = 5.0
_LOOK_EVERY_SECONDS = 0.2

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="Any text of the client's own; a repeated request with the same one makes nothing new.",
    ),
]
AnswerT = TypeVar("AnswerT", bound=AnswerModel)


class _Records(DynamoDBPersistenceLayer):
    """Powertools' records, which know their own claim when its answer was lost and the call repeated."""

    def _put_record(self, data_record: DataRecord) -> None:
        try:
            super()._put_record(data_record)
        except IdempotencyItemAlreadyExistsError as error:
            found, cause = error.old_data_record, error.__cause__
            repeated = isinstance(cause, ClientError) and was_repeated(cause)
            # To the millisecond, the end of a claim is the claim's own.
            mine = found is not None and (
                found.status == data_record.status
                and found.in_progress_expiry_timestamp == data_record.in_progress_expiry_timestamp
            )
            if not (repeated and mine):
                raise


def once(
    make: Callable[[], AnswerT],
    *,
    answer: type[AnswerT],
    table: str,
    scope: tuple[str, ...],
    key: str | None,
    request: Mapping[str, Any],
    context: LambdaContext,
    kept_seconds: int = KEPT_SECONDS,
) -> AnswerT:
    """Make something unless a request of the same key has made it; without a key, make it.

    Args:
        make: Makes it; when it raises, nothing is kept and the key is free again.
        answer: What it answers.
        table: Name of the idempotency table.
        scope: Where a key counts: whose request it is, and the route.
        key: The client's own; None where the client has sent none.
        request: What is asked; the same key with another request is refused.
        context: Of the invocation: its time limit ends a claim whose process died.
        kept_seconds: How long the answer is kept.

    Returns:
        The answer, of this request or of the first.

    Raises:
        ApiError: 400 for a key that another request has used, 409 while the first request is still at it.
    """
    if key is None:
        return make()

    @idempotent_function(  # type: ignore[untyped-decorator] # Powertools leaves it untyped
        data_keyword_argument="asked",
        # A layer keeps the configuration of its first use: it cannot be shared.
        persistence_store=_Records(table_name=table, boto3_client=dynamodb()),
        config=IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="request",
            expires_after_seconds=kept_seconds,
            hash_function="sha256",
            lambda_context=context,
        ),
        output_serializer=PydanticSerializer(answer),
        key_prefix="once",
    )
    def claimed(*, asked: Mapping[str, Any]) -> AnswerT:  # noqa: ARG001 -- read by the decorator
        done.append(make())
        return done[0]

    done: list[AnswerT] = []

    until = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            made: AnswerT = claimed(asked={"key": [*scope, key], "request": dict(request)})
        except IdempotencyValidationError as error:
            raise bad_request(
                "IDEMPOTENCY_KEY_USED", "Idempotency-Key: was used for another request; send a new one."
            ) from error
        except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError) as error:
            if time.monotonic() >= until:
                raise _in_progress() from error
            time.sleep(_LOOK_EVERY_SECONDS)
        except IdempotencyPersistenceLayerError as error:
            if done:
                # It is made: that only its answer could not be kept is no reason to tell a failure.
                logger.warning("answer not kept", extra={"error": type(error.__cause__).__name__})
                return done[0]
            raise error.__cause__ or error from None
        else:
            return made


def _in_progress() -> ApiError:
    error = conflict("REQUEST_IN_PROGRESS", "The same request is being answered: try again in a few seconds.")
    error.headers["Retry-After"] = "3"
    return error
