"""What all functions share: claims, settings, error shapes."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

import functions
from functions.shared.api import is_throttling
from functions.shared.claims import caller_from_claims, parse_groups
from functions.shared.errors import ApiError
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


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_variable_is_named(name, monkeypatch):
    settings = importlib.import_module(f"functions.{name}.settings").Settings
    variables = [name.upper() for name, field in settings.model_fields.items() if field.is_required()]
    for variable in variables:
        monkeypatch.setenv(variable, "true")
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


def test_only_what_a_repetition_can_help_is_busy():
    assert is_throttling(client_error("ProvisionedThroughputExceededException", 400))
    assert is_throttling(client_error("SlowDown", 503))
    assert is_throttling(EndpointConnectionError(endpoint_url="x"))
    assert not is_throttling(client_error("AccessDenied", 403))
    assert not is_throttling(KeyError("x"))
