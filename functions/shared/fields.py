"""Kinds of fields that several requests have."""

from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


class BlankIsNone:
    """Marks an optional field that forms send empty when nothing was entered: blank text is no value."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 -- a type
        """Look for blank text first."""
        return core_schema.no_info_before_validator_function(_none_if_blank, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say in an API's document that blank text is taken."""
        blank = {"type": "string", "pattern": r"^\s*$", "description": "Blank: as if it were left out."}
        own = handler(schema)
        return {**own, "anyOf": [*own["anyOf"], blank]}


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value
