"""`make adopt`: looks whether existing resources fit a stack, and writes what it adopts into its file."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from adoption.existing.candidates import candidates
from adoption.existing.entries import write_entries
from adoption.existing.fitting import Finding, Fitting
from adoption.existing.show import show_findings
from components.settings import SettingsError
from local.aws import clients_in
from local.deploy.config import ConfigError
from local.preview import ROOT, stack_config
from local.preview.config import stand_ins
from local.preview.named_run import named_run
from local.stack_file import StackFileError

EXIT_FAILED = 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m adoption.existing", description=__doc__)
    parser.add_argument(
        "existing",
        nargs="*",
        metavar="NAME=ID",
        help="our name and what exists, such as waitlist-table=Spaceport-Waitlist-prod; without any, what "
        "the replaced system has left is looked for",
    )
    parser.add_argument("--stack", required=True, help="stack that is to adopt, such as prod")
    parser.add_argument(
        "--suffix", help="what the replaced system's names end with; default: the stack's name"
    )
    parser.add_argument("--write", action="store_true", help="write the entries into the stack's file")
    parser.add_argument("--folder", type=Path, default=ROOT, help="folder of the stacks' files")
    given = parser.parse_args(arguments)
    wrong = [pair for pair in given.existing if not all(pair.partition("=")[::2])]
    if wrong:
        parser.error(f"{wrong[0]} is not of the form NAME=ID")
    return given


def _look(given: argparse.Namespace) -> list[Finding]:
    config = stack_config(given.stack, folder=given.folder)
    config |= stand_ins(given.stack, config)
    if config.get("spaceport:ephemeral") == "true":
        raise ConfigError(f"{given.stack} is ephemeral and adopts nothing")
    region = config["aws:region"]
    clients = clients_in(region)
    named = {name: id_ for name, _, id_ in (pair.partition("=") for pair in given.existing)}
    wanted = named or candidates(clients, given.suffix or given.stack)
    run = named_run(config, stack=given.stack)
    before = {one.name: one.import_id for one in run.registrations if one.import_id}
    fitting = Fitting(run, clients, region, {**before, **wanted})
    return [fitting.find(name, id_) for name, id_ in wanted.items()]


def _follow(given: argparse.Namespace, console: Console) -> int:
    findings = _look(given)
    show_findings(console, findings)
    fits = [one for one in findings if not one.refusals]
    if not findings:
        console.print(
            "Nothing of the replaced system was found. Name what exists: EXISTING='waitlist-table=<name> ...'"
        )
        return 0
    if given.existing and len(fits) < len(findings):
        console.print("Nothing was written: take out what does not fit.", style="red")
        return EXIT_FAILED
    if given.write:
        file = write_entries(given.folder, given.stack, fits)
        console.print(
            f"{file} adopts {', '.join(one.name for one in fits)}. Next: read the change, commit it, "
            f"`pulumi preview --stack {given.stack} --diff`, `pulumi up --stack {given.stack}`."
        )
    elif fits:
        pairs = " ".join(f"{one.name}={one.id}" for one in fits)
        console.print(f"To write the entries: make adopt STACK={given.stack} WRITE=1 EXISTING='{pairs}'")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Looks, writes where that is asked for, and returns the exit code: 1 where something does not fit."""
    given = _parse(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        return _follow(given, console)
    except (ConfigError, SettingsError, StackFileError, ClientError, BotoCoreError) as error:
        console.print(str(error), style="red")
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
