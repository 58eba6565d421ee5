"""How long a function's code takes to import: `python -m benchmarks.imports`.

A cold start waits for it. Every function is timed beside boto3 and the parts of Powertools that they all use,
in turns, in fresh processes; `-X importtime` gives the time, and the shares of what is slow.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REPEATS = 7
WANTED_RATIO = 1.3
SHOWN_MODULES = 3
BASELINE = (
    "import boto3, aws_lambda_powertools;"
    "from aws_lambda_powertools import Logger, Tracer, Metrics;"
    "Logger(), Tracer();"  # the tracer imports its SDK when it is made, as all of our modules do
    "from aws_lambda_powertools.event_handler import APIGatewayRestResolver;"
    "from aws_lambda_powertools.event_handler.openapi.params import Body;"
    "from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, idempotent_function;"
    "from aws_lambda_powertools.utilities.parser import parse"
)
_LINE = re.compile(r"^import time:\s+(?P<own>\d+) \|\s+(?P<all>\d+) \|(?P<name> +\S+)$", re.MULTILINE)


def import_times(statement: str) -> dict[str, float]:
    """Run imports in a fresh process.

    Returns:
        Seconds that each module took by itself.
    """
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return {match["name"].strip(): int(match["own"]) / 1e6 for match in _LINE.finditer(run.stderr)}


def quickest(runs: list[dict[str, float]]) -> float:
    """Give the least of the runs' sums, in seconds: whatever else the machine does only adds."""
    return min(sum(times.values()) for times in runs)


def extra(runs: list[dict[str, float]], baseline: list[dict[str, float]]) -> str:
    """Name the packages that a function imports beyond the baseline, the slowest first."""
    common = set(baseline[0])
    packages: dict[str, float] = {}
    for name, seconds in runs[0].items():
        if name not in common:
            package = ".".join(name.split(".")[: 2 if name.startswith("functions") else 1])
            packages[package] = packages.get(package, 0.0) + seconds
    slowest = sorted(packages, key=lambda package: -packages[package])[:SHOWN_MODULES]
    return ", ".join(f"{package} {packages[package] * 1000:.0f} ms" for package in slowest)


def main() -> int:
    """Time all functions and print the ratios."""
    names = sorted(handler.parent.name for handler in ROOT.glob("functions/*/handler.py"))
    statements = {"baseline": BASELINE, **{name: f"import functions.{name}.handler" for name in names}}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in statements}
    for statement in statements.values():
        import_times(statement)  # the first one compiles
    for _ in range(REPEATS):
        for name, statement in statements.items():
            runs[name].append(import_times(statement))
    baseline = quickest(runs["baseline"])
    sys.stdout.write(f"boto3 + Powertools: {baseline * 1000:.0f} ms (least of {REPEATS})\n")
    for name in names:
        seconds = quickest(runs[name])
        note = "" if seconds <= WANTED_RATIO * baseline else f"  more than {WANTED_RATIO}"
        sys.stdout.write(f"{name:16} {seconds * 1000:6.0f} ms  {seconds / baseline:4.2f} x  ")
        sys.stdout.write(f"{extra(runs[name], runs['baseline'])}{note}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
