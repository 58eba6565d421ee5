"""Options: what arrives as text becomes typed values, and every refusal says what would have been right."""

import json
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field
from spaceport_job import JobOptions, OptionsError, load_options
from spaceport_job.options import describe_options


class Options(JobOptions):
    max_image_size: int = Field(default=1600, ge=160, le=8192, description="Longest side in pixels")
    rate: float = Field(default=0.5, gt=0, lt=1)
    kind: Literal["quick", "fine"] = "quick"
    clean: bool = False
    sizes: tuple[int, ...] = (1, 2)
    limit: int | None = Field(default=None, ge=1)


def write(folder: Path, values: object) -> Path:
    path = folder / "hyperparameters.json"
    path.write_text(json.dumps(values))
    return path


def test_defaults_hold_without_any_input(tmp_path: Path) -> None:
    assert load_options(Options, argv=[], hyperparameters=tmp_path / "missing.json") == Options()


def test_strings_of_the_hyperparameters_file_become_typed(tmp_path: Path) -> None:
    given = {
        "max_image_size": "800",
        "rate": "0.25",
        "kind": "fine",
        "clean": "true",
        "sizes": "[3, 4]",
        "limit": "7",
    }
    options = load_options(Options, hyperparameters=write(tmp_path, given))
    assert options == Options(max_image_size=800, rate=0.25, kind="fine", clean=True, sizes=(3, 4), limit=7)


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, {"max_image_size": "800", "rate": "0.25"})
    options = load_options(Options, argv=["--max-image-size=900", "--clean"], hyperparameters=path)
    assert (options.max_image_size, options.rate, options.clean) == (900, 0.25, True)


@pytest.mark.parametrize("name", ["max_image_siz", "max-image-sizes"])
def test_unknown_option_names_its_neighbour(name: str) -> None:
    with pytest.raises(OptionsError, match=r"Did you mean 'max_image_size'\?"):
        load_options(Options, argv=[f"--{name}", "5"])


def test_unknown_option_far_from_all_lists_them() -> None:
    with pytest.raises(OptionsError) as caught:
        load_options(Options, argv=["--zzz", "5"])
    assert "zzz" in str(caught.value)
    assert all(name in str(caught.value) for name in Options.model_fields)
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--max_image_size", "100"], ["max_image_size", "'100'", "at least 160", "at most 8192"]),
        (["--max_image_size", "1e3x"], ["max_image_size", "'1e3x'", "whole number"]),
        (["--rate", "1"], ["rate", "greater than 0", "less than 1"]),
        (["--rate", "nan"], ["rate", "'nan'"]),
        (["--kind", "slow"], ["kind", "'slow'", "quick", "fine"]),
        (["--limit", "0"], ["limit", "at least 1"]),
        (["--max_image_size"], ["max_image_size", "no value"]),
        (["--rate", "0.1", "--rate", "0.2"], ["rate", "twice"]),
        (["stray"], ["stray"]),
    ],
)
def test_a_refusal_says_what_is_allowed(argv: list[str], expected: list[str]) -> None:
    with pytest.raises(OptionsError) as caught:
        load_options(Options, argv=argv)
    for part in expected:
        assert part in str(caught.value)


def test_two_wrong_values_are_told_at_once() -> None:
    with pytest.raises(OptionsError) as caught:
        load_options(Options, argv=["--rate", "7", "--kind", "slow"])
    assert "'rate'" in str(caught.value)
    assert "'kind'" in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_file_that_is_no_object_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "hyperparameters.json"
    path.write_text(content)
    with pytest.raises(OptionsError, match=r"hyperparameters\.json"):
        load_options(Options, hyperparameters=path)


def test_help_tells_every_option() -> None:
    text = describe_options(Options)
    assert all(f"--{name}" in text for name in Options.model_fields)
    assert "Longest side in pixels" in text
