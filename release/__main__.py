"""`python -m release`: what the workflows call, each a command of its own; docs/releasing.md."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from components.definition import STEPS
from local.preview import ROOT
from local.stack_file import StackFileError
from release import comment, drift, notes, stacks, state
from release.github import GitHub, GitHubError
from release.images import Images, changed, read_source, write_digests
from release.registry import ImagesError

EXIT_FAILED = 1
_ERRORS = (
    ImagesError,
    state.StateError,
    stacks.StackError,
    StackFileError,
    GitHubError,
    ClientError,
    BotoCoreError,
)


def tell(line: str) -> None:
    """Print a line at once: what a tool prints follows."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _images_of(stack: str) -> Images:
    ecr = boto3.Session(region_name=stacks.region(ROOT, stack)).client("ecr")
    return Images(ecr, state.export(stack, ROOT), ROOT / "images")


def make_images(given: argparse.Namespace) -> int:
    """The images of this revision into a stack's repositories, and their digests into its file."""
    images = _images_of(given.stack)
    steps = given.only or list(STEPS)
    if given.source_stack:
        given.source = ROOT / "build" / "images" / given.source_stack
        _images_of(given.source_stack).write_source(given.source)
    source = read_source(given.source) if given.source else None
    digests = images.make(steps, tell, source=source, builds=not given.no_build)
    file = ROOT / f"Pulumi.{given.stack}.yaml"
    missing = write_digests(file, digests, others=images.deployed.digests)
    if missing:
        tell(
            f"{file.name} is as it was: it takes the digests of all images, and {', '.join(missing)} has none"
        )
    else:
        tell(f"{file.name} has the digests")
    if given.outputs:
        lines = [f"image={images.repository(step).url}@{digest}" for step, digest in digests.items()]
        with given.outputs.open("a") as outputs:
            outputs.writelines(f"{line}\n" for line in lines)
    return 0


def write_source(given: argparse.Namespace) -> int:
    """Which images of this revision a stack has, and what opens its registry, for `images --source`."""
    found = _images_of(given.stack).write_source(given.to)
    for image in found:
        tell(image)
    if len(found) < len(STEPS) and not given.some:
        raise ImagesError(f"{given.stack} has {len(found)} of this revision's {len(STEPS)} images")
    return 0


def take_digests(given: argparse.Namespace) -> int:
    """The digests of what runs, of this stack or of another one, into a stack's file: nothing is built."""
    if given.source:
        digests = dict(read_source(given.source).deployed)
    else:
        digests = dict(state.export(given.stack, ROOT).digests)
    file = ROOT / f"Pulumi.{given.stack}.yaml"
    missing = write_digests(file, digests, others={})
    tell(f"{file.name}: " + (f"no digest of {', '.join(missing)}" if missing else "digests written"))
    return 0


def write_comment(given: argparse.Namespace) -> int:
    """The comment on a pull request, from what the previews have left in a folder per stack."""
    sections = [comment.read_section(folder) for folder in sorted(given.sections)]
    images = list(changed(given.base / "images", ROOT / "images"))
    body = comment.body(sections, revision=given.revision, images=images)
    if given.number is None:
        tell(body)
    else:
        GitHub(given.repository).upsert_comment(given.number, comment.MARKER, body)
    return 0


def write_notes(given: argparse.Namespace) -> int:
    """What to do after a deployment that has failed; the steps' outcomes come in the variable STEPS."""
    step = notes.failed_step(os.environ["STEPS"])
    failure = notes.Failure(given.stack, given.revision, step)
    tell(notes.write(failure, _state_in(given.before), _state_in(given.after)))
    return 0


def _state_in(path: Path) -> state.Deployed | None:
    try:
        return state.read(path.read_text())
    except (OSError, state.StateError):
        return None


def tell_drift(given: argparse.Namespace) -> int:
    """The issue about a stack that differs: opened, written anew, or closed."""
    printed = given.printed.read_text(errors="replace")
    found = drift.judge(given.exit_code, printed)
    github = GitHub(given.repository)
    if found is drift.Found.FAILED:
        tell(f"{given.stack}: the preview has failed, so nobody knows whether anything differs")
        return EXIT_FAILED
    if found is drift.Found.DRIFT:
        github.open_issue(drift.title(given.stack), drift.body(given.stack, printed, given.run_url))
    else:
        github.close_issue(drift.title(given.stack))
    tell(f"{given.stack}: {found.value}")
    return 0


def write_config(given: argparse.Namespace) -> int:
    """The file of a pull request's stack; its name is printed."""
    name = stacks.stack_of(given.number)
    text = stacks.config_of(ROOT, secrets_provider=os.environ.get("PULUMI_SECRETS_PROVIDER", ""))
    (ROOT / f"Pulumi.{name}.yaml").write_text(text)
    tell(name)
    return 0


def remove(given: argparse.Namespace) -> int:
    """The stack of a pull request, with all that is in it, or all of them that are overdue."""
    listed = stacks.listed(ROOT)
    wanted = stacks.overdue(listed, datetime.now(UTC)) if given.overdue else [stacks.stack_of(given.number)]
    there = {stack["name"] for stack in listed}
    for name in wanted:
        if name in there:
            stacks.remove(ROOT, name)
        tell(f"{name}: removed" if name in there else f"{name}: there is none")
    return 0


def tell_region(given: argparse.Namespace) -> int:
    """Region of a stack, as its file says it."""
    tell(stacks.region(ROOT, given.stack))
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "images": make_images,
    "source": write_source,
    "digests": take_digests,
    "comment": write_comment,
    "notes": write_notes,
    "drift": tell_drift,
    "config": write_config,
    "remove": remove,
    "region": tell_region,
}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    of = {name: commands.add_parser(name, help=follow.__doc__) for name, follow in COMMANDS.items()}
    for name in ("images", "source", "digests", "notes", "drift", "region"):
        of[name].add_argument("--stack", required=True, help="name of the stack, such as staging")
    which = of["remove"].add_mutually_exclusive_group(required=True)
    which.add_argument("--number", type=int, help="of the pull request")
    which.add_argument("--overdue", action="store_true", help="all that have been there for too long")
    for name in ("comment", "drift"):
        of[name].add_argument(
            "--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), help="OWNER/REPO"
        )
    for name in ("comment", "notes"):
        of[name].add_argument("--revision", required=True, help="commit that it is about")
    for name in ("images", "digests"):
        of[name].add_argument("--source", type=Path, help="folder that `source` has written")
    of["images"].add_argument("--only", nargs="*", choices=STEPS, help="some images; default: all")
    of["images"].add_argument("--from", dest="source_stack", help="stack whose images may be copied")
    of["images"].add_argument("--no-build", action="store_true", help="fail where an image is to be built")
    of["images"].add_argument("--outputs", type=Path, help="file that gets a line image=REPOSITORY@DIGEST")
    of["source"].add_argument("--to", type=Path, required=True, help="folder to write to")
    of["source"].add_argument("--some", action="store_true", help="it may have some of the images only")
    of["comment"].add_argument("--number", type=int, help="of the pull request; default: print the comment")
    of["comment"].add_argument("--base", type=Path, required=True, help="checkout of the base's revision")
    of["comment"].add_argument("sections", type=Path, nargs="+", help="folder per stack, called by it")
    of["notes"].add_argument("--before", type=Path, required=True, help="state before the deployment")
    of["notes"].add_argument("--after", type=Path, required=True, help="state after it")
    of["drift"].add_argument("--exit-code", type=int, required=True, help="of the preview")
    of["drift"].add_argument("--printed", type=Path, required=True, help="what it printed")
    of["drift"].add_argument("--run-url", required=True, help="address of the run's log")
    of["config"].add_argument("--number", type=int, required=True, help="of the pull request")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Follow a command and return the exit code: 0, or 1 where it failed."""
    given = _parse(arguments)
    try:
        return COMMANDS[given.command](given)
    except _ERRORS as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
