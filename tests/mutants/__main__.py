"""`make mutants`: breaks the program in many ways, one at a time, and fails where no test sees it."""

import argparse
import os
import sys
import time

from rich.console import Console
from rich.text import Text

from local.demo.display import Display
from local.preview.tree import columns, heading
from tests.mutants.catalogue import MUTANTS
from tests.mutants.worker import NOT_EVEN_RUN
from tests.mutants.workers import CAUGHT, BaselineError, Verdict, judge

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
WIDEST_MESSAGE = 100


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("only", nargs="*", help="words: only mutants with one of them in their name or file")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="tried at the same time")
    return parser.parse_args()


def _row(verdict: Verdict) -> tuple[str, ...]:
    place = verdict.test.removeprefix("tests/program/") or verdict.message[:WIDEST_MESSAGE]
    return verdict.mutant.name, verdict.mutant.file, verdict.outcome, f"{verdict.seconds:.1f} s", place


def main() -> int:
    """Tries the mutants and returns the exit code: 0 where every one was caught."""
    given = _parse()
    console = Console(soft_wrap=True, highlight=False, markup=False)
    mutants = [
        one
        for one in MUTANTS
        if not given.only or any(word in f"{one.name} {one.file}" for word in given.only)
    ]
    verdicts: list[Verdict] = []
    started = judging_since = time.monotonic()
    try:
        with Display(console) as display:
            display.update("mutants", 0.0, "the tests on the program as it is")
            for verdict in judge(mutants, at_once=given.at_once):
                if not verdicts:
                    judging_since = time.monotonic() - verdict.seconds
                verdicts.append(verdict)
                each = (time.monotonic() - judging_since) / len(verdicts)
                left = len(mutants) - len(verdicts)
                display.update(
                    "mutants",
                    len(verdicts) / len(mutants),
                    f"{verdict.mutant.name}: {verdict.outcome}",
                    left * each,
                )
    except BaselineError as error:
        console.print(f"The tests fail on the program as it is: mend that first.\n{error}", style="red")
        return EXIT_FAILED
    except KeyboardInterrupt:
        console.print("\nStopped: nothing was changed.")
        return EXIT_INTERRUPTED
    missed = [one for one in verdicts if one.outcome != CAUGHT]
    console.print(heading("Mutants"))
    console.print(columns([_row(one) for one in sorted(verdicts, key=lambda one: one.mutant.file)]))
    console.print(
        Text(
            f"\n{len(verdicts)} mutants, {len(verdicts) - len(missed)} caught "
            f"({sum(one.test == NOT_EVEN_RUN for one in verdicts)} because the program does not even run), "
            f"in {time.monotonic() - started:.0f} s with {given.at_once} at once"
        )
    )
    for one in missed:
        console.print(
            Text(f"{one.outcome}: {one.mutant.name} ({one.mutant.file}) {one.message}", style="red")
        )
    return EXIT_FAILED if missed or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
