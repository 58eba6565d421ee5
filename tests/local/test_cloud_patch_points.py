import types

import pytest

from local.cloud.ministack import patch_points
from local.cloud.ministack.patch_points import PatchPointError


@pytest.fixture
def owner() -> types.ModuleType:
    module = types.ModuleType("ministack.example")
    module.work = lambda first, second, third=None: None  # type: ignore[attr-defined] # made here
    module.table = {}  # type: ignore[attr-defined] # made here
    return module


def test_what_is_there_is_returned(owner):
    assert patch_points.function(owner, "work", ("first", "second")) is owner.work
    assert patch_points.value(owner, "table", dict) is owner.table
    assert patch_points.text("one two", "two", "It") == "two"
    patch_points.replace(owner, "work", len)
    assert owner.work is len


@pytest.mark.parametrize("name", ["gone", "table"])
def test_missing_function_is_named(owner, name):
    with pytest.raises(PatchPointError, match=f"ministack.example.{name}"):
        patch_points.function(owner, name, ())


def test_other_parameters_are_named(owner):
    with pytest.raises(PatchPointError, match=r"'first', 'second', 'third'.*'second',"):
        patch_points.function(owner, "work", ("second",))


def test_value_of_another_type_is_named(owner):
    with pytest.raises(PatchPointError, match="table, a list"):
        patch_points.value(owner, "table", list)


@pytest.mark.parametrize("source", ["nothing", "passage and passage"])
def test_changed_text_is_named(source):
    with pytest.raises(PatchPointError, match="'passage' once"):
        patch_points.text(source, "passage", "The script")


def test_other_version_says_what_to_do(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda _: "9.9.9")
    with pytest.raises(PatchPointError, match=r"9\.9\.9.*ministack\.lock"):
        patch_points.check_version()


def test_missing_module_is_named(monkeypatch):
    def nothing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("importlib.import_module", nothing)
    with pytest.raises(PatchPointError, match=r"ministack\.core\.gone"):
        patch_points.module("core.gone")
