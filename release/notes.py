"""What to do after a deployment that has failed: for the job's summary, where people look first."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from release.state import Deployed

STEPS: Mapping[str, str] = {
    "source": "reading staging's images",
    "signed": "checking that our workflow has signed the images",
    "before": "reading what is deployed",
    "images": "putting the images into the stack's repositories",
    "plan": "planning",
    "apply": "applying the plan",
    "settled": "looking whether anything is left to change",
    "smoke": "the smoke test",
}
"""Ids of the deploying job's steps, and what they do, in their order."""
_FORWARD = (
    "Some or all of the plan is deployed. **Forward** is the way: push a commit that mends it, or one that "
    "reverts, to this branch; it goes through the same gates."
)
_CHANGES_NOTHING = frozenset({"source", "signed", "before", "images", "plan"})


@dataclass(frozen=True)
class Failure:
    """A deployment that has failed.

    Attributes:
        stack: Which stack.
        revision: What was to be deployed.
        step: Id of the step that failed; empty where it was before all of them.
    """

    stack: str
    revision: str
    step: str


def failed_step(steps: str) -> str:
    """Find the step that has failed.

    Args:
        steps: GitHub's `steps` context as JSON.
    """
    outcomes = {id_: step.get("outcome") for id_, step in json.loads(steps).items()}
    return next((id_ for id_ in STEPS if outcomes.get(id_) == "failure"), "")


def write(failure: Failure, before: Deployed | None, after: Deployed | None) -> str:
    """Write what failed, what is deployed now, and how to go on or back.

    Args:
        failure: What has failed.
        before: What was deployed; None where nobody knows.
        after: What is deployed; None where nobody knows.
    """
    what = STEPS.get(failure.step, "setting up")
    lines = [f"## {failure.stack}: {what} failed", "", f"Revision `{failure.revision}`.", ""]
    if not failure.step or failure.step in _CHANGES_NOTHING:
        lines += ["Nothing of the stack has been changed. Mend the cause and run this workflow again.", ""]
        return "\n".join(lines)
    lines += [
        _FORWARD,
        "",
    ]
    if after is None:
        lines += [f"What is deployed could not be read: `pulumi stack export --stack {failure.stack}`.", ""]
    else:
        lines += _deployed(after)
        lines += ["**Back at once**, until that commit is deployed:", "", "```sh"]
        lines += _back(failure.stack, before, after)
        lines += ["```", ""]
    lines += ["docs/releasing.md, Going back, says what these do and what they leave.", ""]
    return "\n".join(lines)


def _deployed(after: Deployed) -> Iterator[str]:
    yield from ("| Image | Digest |", "|---|---|")
    yield from (f"| {step} | `{digest}` |" for step, digest in sorted(after.digests.items()))
    yield from ("", "| Function | Version |", "|---|---|")
    yield from (
        f"| {name}:{alias} | {version} |" for (name, alias), version in sorted(after.functions.items())
    )
    yield ""


def _back(stack: str, before: Deployed | None, after: Deployed) -> Iterator[str]:
    if before is None:
        yield "# What was deployed before could not be read: the run before this one has it."
        return
    moved = {
        key: before.functions[key]
        for key, version in sorted(after.functions.items())
        if before.functions.get(key, version) != version
    }
    for (name, alias), version in moved.items():
        where = ("--function-name", name, "--name", alias, "--function-version", version)
        yield shlex.join(["aws", "lambda", "update-alias", *where])
    steps = [
        step for step, digest in sorted(after.digests.items()) if before.digests.get(step, digest) != digest
    ]
    if steps:
        # The program wants all of them or none.
        for step, digest in sorted(before.digests.items()):
            yield shlex.join(
                ["pulumi", "config", "set", "--stack", stack, "--path", f"imageDigests.{step}", digest]
            )
        yield shlex.join(["pulumi", "up", "--stack", stack])
    if not moved and not steps:
        yield "# No function and no image has moved: what is deployed of them is what was."
