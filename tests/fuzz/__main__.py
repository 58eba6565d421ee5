"""`make fuzz`: thousands of requests to the deployed program, made up from the APIs' documents."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from components.offers import OFFERS
from tests.fuzz.run import fuzz
from tests.fuzz.target import target

REPORTS = Path(__file__).resolve().parents[2] / "build" / "fuzz"


def main() -> int:
    """Fuzzes and returns the exit code: 0 where every answer was as the documents say."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=5000, help="at least so many (default: %(default)s)")
    wanted: int = parser.parse_args().requests
    shutil.rmtree(REPORTS, ignore_errors=True)
    REPORTS.mkdir(parents=True)
    routes = sum(len(offer.routes) for offer in OFFERS.values())
    with target() as apis:
        started = time.monotonic()
        outcomes = fuzz(apis, REPORTS, examples=-(-wanted // routes))
        seconds = time.monotonic() - started
    for one in outcomes:
        sys.stdout.write(f"{one.api}: {one.requests} requests, {one.accepted} accepted\n")
        (REPORTS / f"{one.api}.txt").write_text(one.log)
        for failure in one.failures:
            sys.stdout.write(f"  {failure} (build/fuzz/{one.api}.txt)\n")
    sent = sum(one.requests for one in outcomes)
    wrong = sum(len(one.failures) for one in outcomes)
    sys.stdout.write(f"{sent} requests in {seconds:.0f} s, {wrong} kinds of answers not as documented\n")
    return 1 if wrong or sent < wanted else 0


if __name__ == "__main__":
    sys.exit(main())
