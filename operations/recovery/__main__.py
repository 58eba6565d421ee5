"""`make recover`: restores a stack's tables and buckets for a fresh stack, which adopts them."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from adoption.existing.entries import write_entries
from adoption.existing.fitting import Fitting
from adoption.existing.show import show_findings
from components.settings import SettingsError
from local.aws import Clients, clients_in
from local.demo.display import Display
from local.deploy.config import ConfigError
from local.preview import ROOT, Run, stack_config
from local.preview.config import stand_ins
from local.preview.named_run import named_run
from local.stack_file import StackFileError
from operations.recovery import objects, tables
from operations.recovery.installation import Copies, RecoveryError, copies

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
LATEST = "latest"
GO_ON = "What is restored stays, and the same command goes on from there."


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m operations.recovery", description=__doc__)
    parser.add_argument("source", nargs="*", metavar="NAME=ID", help="tables or buckets that are not found")
    parser.add_argument("--stack", required=True, help="stack whose data is restored, such as prod")
    parser.add_argument("--into", required=True, help="fresh stack that takes the copies; it has a file")
    parser.add_argument("--at", default=LATEST, help="as of when, such as 2026-11-01T10:00Z; default: latest")
    parser.add_argument("--apply", action="store_true", help="restore; without, only say what would be")
    parser.add_argument("--folder", type=Path, default=ROOT, help="folder of the stacks' files")
    given = parser.parse_args(arguments)
    wrong = [pair for pair in given.source if not all(pair.partition("=")[::2])]
    if wrong:
        parser.error(f"{wrong[0]} is not of the form NAME=ID")
    if given.stack == given.into:
        parser.error(f"{given.into} cannot take its own data: restore into a fresh stack")
    return given


def _moment(text: str) -> datetime | None:
    if text == LATEST:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RecoveryError(
            f"{text} is no moment: write it as {datetime.now(UTC):%Y-%m-%dT%H:%MZ}"
        ) from error
    if moment.tzinfo is None:
        raise RecoveryError(f"{text} has no time zone: write {text}Z for UTC")
    if moment > datetime.now(UTC):
        raise RecoveryError(f"{text} has not come yet")
    return moment


def _program(given: argparse.Namespace, stack: str) -> tuple[dict[str, Any], Run]:
    config = stack_config(stack, folder=given.folder)
    config |= stand_ins(stack, config)
    return config, named_run(config, stack=stack)


def _restore(
    clients: Clients, run: Run, found: Copies, moment: datetime | None, console: Console, region: str
) -> None:
    dynamodb, s3 = clients("dynamodb"), clients("s3")
    with Display(console) as display:
        for source, copy in found.tables.values():
            tables.begin(dynamodb, source, copy, moment)
        for name, (source, copy) in found.buckets.items():
            objects.make_bucket(s3, copy, region)
            count = objects.copy_all(s3, source, copy, moment, partial(display.update, name))
            display.done(name, f"{count} objects")
        restored = [copy for _, copy in found.tables.values()]
        tables.wait(dynamodb, restored, partial(display.update, "Tables"))
        moved = dict(found.buckets.values())
        for name, (_, copy) in found.tables.items():
            tables.settle(dynamodb, run, name, copy)
            changed = tables.rename_buckets(dynamodb, copy, moved)
            display.done(name, f"{changed} addresses changed" if changed else "")
        display.done("Tables")


def _adopt(
    given: argparse.Namespace, clients: Clients, run: Run, found: Copies, console: Console, region: str
) -> None:
    fitting = Fitting(run, clients, region, found.ids)
    findings = [fitting.find(name, id_) for name, id_ in found.ids.items()]
    show_findings(console, findings)
    unfit = [one.name for one in findings if one.refusals]
    if unfit:
        raise RecoveryError(f"{', '.join(unfit)} cannot be adopted as restored")
    file = write_entries(given.folder, given.into, findings)
    console.print(f"{file} adopts them. Next: `pulumi up --stack {given.into}`, then open a link.")


def _follow(given: argparse.Namespace, console: Console) -> int:
    moment = _moment(given.at)
    config, before = _program(given, given.stack)
    target, run = _program(given, given.into)
    if target.get("spaceport:ephemeral") == "true":
        raise RecoveryError(f"{given.into} is ephemeral and adopts nothing: take `ephemeral` out of its file")
    region = config["aws:region"]
    if target["aws:region"] != region:
        raise RecoveryError(f"{given.into} is in {target['aws:region']}, and tables are restored in {region}")
    clients = clients_in(region)
    adopted = {one.name: one.import_id for one in before.registrations if one.import_id}
    adopted |= dict(pair.split("=", 1) for pair in given.source)
    found = copies(clients, given.stack, adopted, into=given.into)
    for name, (source, copy) in [*found.tables.items(), *found.buckets.items()]:
        console.print(f"{name}: {source} -> {copy}")
    if not given.apply:
        console.print(f"Nothing was done. APPLY=1 restores them as of {given.at}.")
        return 0
    _restore(clients, run, found, moment, console, region)
    _adopt(given, clients, run, found, console, region)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Restores, and returns the exit code: 0, 1 where something could not be, 130 when interrupted."""
    given = _parse(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        return _follow(given, console)
    except (ConfigError, SettingsError, RecoveryError, StackFileError) as error:
        console.print(str(error), style="red")
    except (ClientError, BotoCoreError) as error:
        console.print(f"{error}. {GO_ON}", style="red")
    except KeyboardInterrupt:
        console.print(f"Stopped. {GO_ON}")
        return EXIT_INTERRUPTED
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
