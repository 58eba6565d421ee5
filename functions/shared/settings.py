"""Settings of a function: its environment variables, typed.

Each function states what it needs in `functions/<name>/settings.py` as a subclass named `Settings`. A field
is the lower-case name of an environment variable. Nothing is read when a module is imported: `load_settings`
reads at the first request, so that a missing variable is an error of that request which names it.
"""

import os
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError


class EnvSettings(BaseModel):
    """Base of all settings: frozen, and empty values count as missing."""

    model_config = ConfigDict(frozen=True, str_min_length=1, str_strip_whitespace=True)


SettingsT = TypeVar("SettingsT", bound=EnvSettings)


class SettingsError(RuntimeError):
    """An environment variable is missing or not usable; the message names it."""


@cache
def load_settings(settings_class: type[SettingsT]) -> SettingsT:
    """Read the settings of one function from the environment, once per process.

    Args:
        settings_class: The function's `Settings`.

    Returns:
        The checked settings.

    Raises:
        SettingsError: A variable is missing or out of its range.
    """
    values = {
        field: os.environ[field.upper()]
        for field in settings_class.model_fields
        if field.upper() in os.environ
    }
    try:
        return settings_class.model_validate(values)
    except ValidationError as error:
        problems = ", ".join(f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"environment of {settings_class.__module__}: {problems}") from error


def comma_list(value: str) -> tuple[str, ...]:
    """Split a comma-separated variable, dropping blanks."""
    return tuple(part.strip() for part in value.split(",") if part.strip())
