"""The mutants fit the source, and what becomes of one is told as it is."""

import shutil

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.mutant import Mutant, StaleMutantError
from tests.mutants.workers import COPIED, ROOT, BaselineError, judge

HALF = "components/half.py"
SOURCE = "def half(number):\n    return number / 2\n"
TEST = "from components.half import half\n\n\ndef test_half_of_four():\n    assert half(4) == 2\n"
TEST += "\n\ndef test_staging():\n    assert half(8) == 4\n"


@pytest.fixture
def repository(tmp_path):
    """A repository with one function and one test."""
    for name in COPIED:
        folder = tmp_path / name if not name.endswith(".py") else (tmp_path / name).parent
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "tests/mutants/worker.py", tmp_path / "tests/mutants")
    (tmp_path / "__main__.py").touch()
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    (tmp_path / HALF).write_text(SOURCE)
    (tmp_path / "tests/program/test_half.py").write_text(TEST)
    return tmp_path


def verdicts(repository, *mutants: Mutant):
    return {one.mutant.name: one for one in judge(mutants, at_once=2, root=repository)}


@pytest.mark.slow
def test_each_outcome_is_told_apart(repository):
    found = verdicts(
        repository,
        Mutant("caught", HALF, "number / 2", "number / 3"),
        Mutant("survived", HALF, "number / 2", "number // 2", ("half",)),
        Mutant("caught in staging alone", HALF, "return", "assert number != 8\n    return"),
        Mutant("stale", HALF, "number * 2", "number * 3"),
        Mutant("unusable", HALF, "def half", "def third"),
        Mutant("no such test", HALF, "number / 2", "number / 3", ("third",)),
        Mutant("no such file", "components/third.py", "number / 2", "number / 3"),
    )
    assert {name: one.outcome for name, one in found.items()} == {
        "caught": "caught",
        "caught in staging alone": "caught",
        "survived": "survived",
        "stale": "stale",
        "unusable": "unusable",
        "no such test": "stale",
        "no such file": "stale",
    }
    assert found["caught"].test.endswith("test_half.py::test_half_of_four")
    assert "0 times" in found["stale"].message
    assert "cannot import name 'half'" in found["unusable"].message


@pytest.mark.slow
def test_a_mutant_leaves_nothing_behind(repository):
    broken = [Mutant(str(number), HALF, "number / 2", "number / 3") for number in range(3)]
    kept = Mutant("kept", HALF, "number / 2", "number / 2.0")
    found = [one.outcome for one in judge([*broken, kept, *broken], at_once=1, root=repository)]
    assert found == ["caught"] * 3 + ["survived"] + ["caught"] * 3
    assert (repository / HALF).read_text() == SOURCE


@pytest.mark.slow
def test_a_mutant_that_hangs_is_ended(repository, monkeypatch):
    monkeypatch.setattr("tests.mutants.workers.SLOWEST_SECONDS", 1.5)
    (one,) = judge([Mutant("loop", HALF, "return", "while 1: pass\n    return")], at_once=1, root=repository)
    assert one.outcome == "hung"


@pytest.mark.slow
def test_nothing_is_judged_where_the_tests_fail_anyway(repository):
    (repository / HALF).write_text(SOURCE.replace("/ 2", "/ 3"))
    with pytest.raises(BaselineError, match="test_half_of_four"):
        list(judge([Mutant("a", HALF, "number / 3", "number / 4")], at_once=1, root=repository))


def test_every_mutant_fits_the_source():
    stale = {}
    for mutant in MUTANTS:
        try:
            if mutant.broken(ROOT) == (ROOT / mutant.file).read_text():
                stale[mutant.name] = "changes nothing"
        except StaleMutantError as error:
            stale[mutant.name] = str(error)
    assert not stale


def test_there_are_many_mutants_each_with_its_own_name():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 30


@pytest.mark.parametrize("old", ["nowhere", "number"])
def test_a_text_that_is_not_there_once_is_stale(repository, old):
    with pytest.raises(StaleMutantError, match=r"0 times|2 times"):
        Mutant("a", HALF, old, "x").broken(repository)


def test_an_edit_that_nobody_could_read_is_stale(repository):
    with pytest.raises(StaleMutantError, match="not even be read"):
        Mutant("a", HALF, "return", "retrun").broken(repository)
