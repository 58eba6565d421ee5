"""What a mutant is, and its edit."""

import ast
from dataclasses import dataclass
from pathlib import Path

import yaml

PROGRAM_TESTS = "tests/program"


class StaleMutantError(Exception):
    """A mutant's edit does not fit the source any more; the message says why."""


@dataclass(frozen=True)
class Mutant:
    """One thing that somebody could break.

    Attributes:
        name: What is broken, in words.
        file: Which file, from the repository's folder.
        old: A text that is in it exactly once.
        new: What stands there instead.
        tests: Modules in `tests/program` that should see it, without `test_`; none stands for all.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ()

    @property
    def test_files(self) -> tuple[str, ...]:
        """What pytest is to run."""
        return tuple(f"{PROGRAM_TESTS}/test_{name}.py" for name in self.tests) or (PROGRAM_TESTS,)

    def broken(self, root: Path) -> str:
        """The file's text with the edit.

        Raises:
            StaleMutantError: The old text is not there exactly once, what comes out cannot be read, or a test
                module is gone.
        """
        for file in (self.file, *self.test_files):
            if not (root / file).exists():
                raise StaleMutantError(f"{file} is not there")
        path = root / self.file
        text = path.read_text()
        found = text.count(self.old)
        if found != 1:
            raise StaleMutantError(f"{self.file} has its text {found} times instead of once")
        broken = text.replace(self.old, self.new)
        try:
            if path.suffix == ".py":
                ast.parse(broken)
            else:
                yaml.safe_load(broken)
        except (SyntaxError, yaml.YAMLError) as error:
            raise StaleMutantError(f"{self.file} would not even be read: {error}") from error
        return broken
