"""One run of schemathesis per API, with the same seed always."""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.openapi.build import ROOT, write_documents
from tests.fuzz.target import Target

SEED = 20_260
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "ignored_auth",
    "use_after_free",
)
"""Left out: that what fits the schema is accepted, for some rules are in words alone; that what belongs to a
new thing is there, for a new project has no export; and that other methods are answered with 405 and `Allow`,
where API Gateway answers 404."""
PHASES = ("coverage", "fuzzing", "stateful")
REQUESTS_PER_SECOND = 40
"""Fewer than a stage takes: whoever is turned away at the gate tries nothing."""
AT_ONCE = 2
"""APIs at the same time."""
REQUEST_SECONDS = 30
# Answers of errors have no place in what `negative_data_rejection` takes for a refusal but for these.
_CONFIG = """
[cache]
enabled = false

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "409", "410", "412", "413", "415", "429"]
"""


@dataclass(frozen=True)
class Outcome:
    """How one API did.

    Attributes:
        api: Its logical name.
        requests: How many were sent.
        accepted: How many of those were answered with what was asked for.
        failures: What was wrong, a line each.
        log: What schemathesis printed.
    """

    api: str
    requests: int
    accepted: int
    failures: tuple[str, ...]
    log: str


def fuzz(target: Target, folder: Path, *, examples: int, phases: Collection[str] = PHASES) -> list[Outcome]:
    """Fuzzes every API of a target.

    Args:
        target: The APIs.
        folder: Where reports go; an empty one, for the same requests each time.
        examples: How many requests per route are made up, besides those that `coverage` derives.
        phases: Those of schemathesis.
    """
    (folder / "schemathesis.toml").write_text(_CONFIG)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        documents = {path.stem: path for path in write_documents() if path.stem in target.addresses}
        # The largest first: it ends last.
        names = sorted(documents, key=lambda name: -documents[name].stat().st_size)
        return list(
            pool.map(lambda name: _fuzz_one(name, documents[name], target, folder, examples, phases), names)
        )


def _fuzz_one(
    api: str, document: Path, target: Target, folder: Path, examples: int, phases: Collection[str]
) -> Outcome:
    report = folder / f"{api}.json"
    arguments: Sequence[str] = (
        *("--config-file", str(folder / "schemathesis.toml")),
        *("run", str(document), "--url", target.addresses[api]),
        *("--header", f"Authorization: Bearer {target.token}"),
        *("--checks", ",".join(CHECKS), "--phases", ",".join(phases)),
        *("--max-examples", str(examples), "--seed", str(SEED)),
        *("--rate-limit", f"{REQUESTS_PER_SECOND}/s", "--request-timeout", str(REQUEST_SECONDS)),
        *("--continue-on-failure", "--generation-database", "none", "--suppress-health-check", "all"),
        *("--report", "json", "--report-json-path", str(report)),
    )
    done = subprocess.run(
        [str(Path(sys.executable).with_name("schemathesis")), *arguments],
        cwd=folder,
        env={
            **os.environ,
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if not report.exists():
        return Outcome(api, 0, 0, (f"schemathesis ended with {done.returncode}",), done.stdout)
    return _outcome(api, json.loads(report.read_text()), done.stdout)


def _outcome(api: str, report: dict[str, Any], log: str) -> Outcome:
    failures = [f"{one['title']}: {', '.join(one['operations'])}" for one in report["failures"]]
    errors = [f"error: {json.dumps(one)}" for one in report["errors"]]
    unfinished = [] if report["complete"] else [f"not finished: {report['stop_reason']}"]
    rates = [phase for phases in report["valid_rates"].values() for phase in phases.values()]
    return Outcome(
        api=api,
        requests=report["test_cases"]["generated"],
        accepted=sum(phase["accepted"] for phase in rates),
        failures=(*failures, *errors, *unfinished),
        log=log,
    )
