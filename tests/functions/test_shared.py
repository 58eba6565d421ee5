"""What all functions share: claims, settings, error shapes."""

import importlib
import os
import subprocess
import sys
from functools import _lru_cache_wrapper
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
    ResponseStreamingError,
)
from hypothesis import given
from hypothesis import strategies as st

import functions
from functions.shared import aws
from functions.shared.claims import caller_from_claims, parse_groups
from functions.shared.errors import ApiError
from functions.shared.outages import is_outage, take_back
from functions.shared.settings import EnvSettings, SettingsError, load_settings

ROOT = Path(functions.__file__).parent
NAMES = sorted(path.parent.name for path in ROOT.glob("*/handler.py"))


@given(st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True)))
def test_groups_are_read_in_both_forms(groups):
    assert parse_groups(",".join(groups)) == set(groups)
    assert parse_groups(f"[{' '.join(groups)}]") == set(groups)


def test_nobody_is_refused():
    for claims in ({}, {"sub": ""}, {"sub": None}):
        with pytest.raises(ApiError) as refused:
            caller_from_claims(claims)
        assert refused.value.status == 401


def test_every_function_has_settings():
    assert len(NAMES) > 5
    for name in NAMES:
        settings = importlib.import_module(f"functions.{name}.settings").Settings
        assert issubclass(settings, EnvSettings)


def usable(kind):
    """A text that a variable of this kind may have."""
    if get_origin(kind) is Literal:
        return str(get_args(kind)[0])
    return "1" if kind is int else "{}" if get_origin(kind) is dict else "true"


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_variable_is_named(name, monkeypatch):
    settings = importlib.import_module(f"functions.{name}.settings").Settings
    variables = [name.upper() for name, field in settings.model_fields.items() if field.is_required()]
    for variable in variables:
        monkeypatch.setenv(variable, usable(settings.model_fields[variable.lower()].annotation))
    for variable in variables:
        with monkeypatch.context() as patch:
            patch.setenv(variable, " ")
            with pytest.raises(SettingsError, match=variable):
                load_settings.__wrapped__(settings)
            patch.delenv(variable)
            with pytest.raises(SettingsError, match=variable):
                load_settings.__wrapped__(settings)
    assert load_settings.__wrapped__(settings)


def test_importing_a_function_needs_no_environment():
    imports = "; ".join(f"import functions.{name}.handler" for name in NAMES)
    result = subprocess.run(
        [sys.executable, "-c", imports],
        env={"PATH": os.environ["PATH"]},
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def client_error(code, status):
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutItem")


@pytest.mark.parametrize(
    "error",
    [
        client_error("ProvisionedThroughputExceededException", 400),
        client_error("ThrottlingException", 400),
        client_error("SlowDown", 503),
        client_error("503", 503),
        client_error("InternalError", 500),
        client_error("TooManyRequestsException", 429),
        client_error("RequestTimeout", 400),
        EndpointConnectionError(endpoint_url="x"),
        ConnectTimeoutError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
        ConnectionClosedError(endpoint_url="x"),
        ResponseStreamingError(error="x"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
    ids=repr,
)
def test_what_a_repetition_can_help_is_an_outage(error):
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        client_error("AccessDenied", 403),
        client_error("ConditionalCheckFailedException", 400),
        client_error("ValidationException", 400),
        client_error("404", 404),
        NoCredentialsError(),
        KeyError("x"),
    ],
    ids=repr,
)
def test_what_a_repetition_cannot_help_is_no_outage(error):
    assert not is_outage(error)


def test_what_fails_while_taking_back_keeps_nothing_else_from_it():
    done = []
    take_back(lambda: 1 / 0, lambda: done.append(1))
    assert done == [1]


def test_a_call_ends_before_api_gateway_gives_up(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = [value for value in vars(aws).values() if isinstance(value, _lru_cache_wrapper)]
    assert len(made) > 5
    for make in made:
        config = make.__wrapped__().meta.config
        attempts = config.retries["total_max_attempts"]
        waits = sum(2.0**attempt for attempt in range(attempts - 1))
        assert attempts * max(config.connect_timeout, config.read_timeout) + waits < 29
