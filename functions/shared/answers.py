"""What a route's document says of answers that its types do not tell."""

from http import HTTPStatus
from typing import TypeAlias

from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from pydantic import BaseModel

from functions.shared.docstrings import prose

Answers: TypeAlias = dict[int, OpenAPIResponse]


def as_text(content_type: str, description: str) -> Answers:
    """A text instead of JSON, with status 200."""
    return {HTTPStatus.OK: _text(content_type, description)}


def as_pages(descriptions: dict[HTTPStatus, str]) -> Answers:
    """Web pages, by their status."""
    return {int(status): _text("text/html", said) for status, said in descriptions.items()}


def or_refused(answer: type[BaseModel], descriptions: dict[HTTPStatus, str]) -> Answers:
    """A model, or by their status errors that not every route of its kind has."""
    own: OpenAPIResponse = {
        "description": prose(answer.__doc__),
        "content": {"application/json": {"model": answer}},
    }
    refused: Answers = {int(status): {"description": said} for status, said in descriptions.items()}
    return {HTTPStatus.OK: own, **refused}


def _text(content_type: str, description: str) -> OpenAPIResponse:
    return {"description": description, "content": {content_type: {"schema": {"type": "string"}}}}
