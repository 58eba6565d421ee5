"""`make bootstrap`: what must exist in an AWS account before the first `pulumi up`; docs/new-account.md."""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from bootstrap import quotas, show
from bootstrap.account import Account
from bootstrap.installation import BootstrapError, Installation, Repository
from bootstrap.stack_file import ROOT, adopted, read_stack
from bootstrap.work import Work

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bootstrap", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="up|plan|destroy|quotas")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--qualifier", required=True, help="tells this installation from others in the account"
    )
    common.add_argument(
        "--stack", help="its stack whose file says region, machines, adoptions; default: QUALIFIER"
    )
    common.add_argument("--region", help="default: that of the stack's file")
    common.add_argument("--account", help="number that the account must have")
    common.add_argument("--folder", type=Path, default=ROOT, help="folder of the stacks' files")
    asks = argparse.ArgumentParser(add_help=False)
    asks.add_argument("--jobs", type=int, help="jobs at the same time; default: what one person may run")
    asks.add_argument(
        "--request-quotas", action="store_true", help="ask AWS for the quotas that are too small"
    )
    makes = argparse.ArgumentParser(add_help=False)
    makes.add_argument("--repository", required=True, metavar="OWNER/REPO", help="whose workflows may act")
    deploys = makes.add_mutually_exclusive_group(required=True)
    deploys.add_argument(
        "--environment", help="GitHub Environment of the deploying job; restrict its branch there"
    )
    deploys.add_argument("--ref", help="ref whose workflows deploy, such as refs/heads/main")
    makes.add_argument(
        "--reader",
        action="append",
        default=[],
        metavar="JOB",
        help="jobs that may look, besides those of pull requests: environment:NAME or ref:refs/heads/BRANCH",
    )
    makes.add_argument(
        "--administrator",
        action="append",
        default=[],
        metavar="ARN",
        help="user or role that may use the state; default: whom the bucket names already, else the caller",
    )
    makes.add_argument(
        "--take-over", action="store_true", help="the qualifier may be another repository's so far"
    )
    up = commands.add_parser(
        "up", parents=[common, asks, makes], help="make what is missing, mend what differs"
    )
    up.add_argument("--plan", action="store_true", help="only tell what would be done")
    commands.add_parser("plan", parents=[common, asks, makes], help="tell what up would do")
    destroy = commands.add_parser("destroy", parents=[common], help="remove all of it")
    destroy.add_argument("--plan", action="store_true", help="only tell what would be removed")
    commands.add_parser("quotas", parents=[common, asks], help="look whether jobs get their machines")
    return parser.parse_args(arguments)


def _follow(given: argparse.Namespace, console: Console) -> int:
    stack = given.stack or given.qualifier
    settings = read_stack(stack, given.folder)
    region = given.region or (settings or {}).get("aws:region")
    if region is None:
        raise BootstrapError(f"there is no Pulumi.{stack}.yaml that says the region: give it with --region")
    if settings and region != settings.get("aws:region", region):
        raise BootstrapError(f"--region is {region}, and Pulumi.{stack}.yaml says {settings['aws:region']}")
    account = Account.open(region, expected=given.account)
    installation = Installation(
        account=account.number,
        region=region,
        qualifier=given.qualifier,
        administrators=tuple(getattr(given, "administrator", ())),
        adopted=adopted(settings) if settings else {},
    )
    if not installation.has(stack):
        raise BootstrapError(
            f"the stack {stack} is none of {given.qualifier}: its stacks are called {given.qualifier}, or "
            f"{given.qualifier}-ANYTHING, so that roles can tell what is theirs by its name"
        )
    work, tell = Work(account, installation), partial(show.show_item, console)
    if given.command == "destroy":
        show.show_count(console, work.destroy(tell, plan=given.plan), plan=given.plan)
        return 0
    if given.command in ("up", "plan"):
        repository = Repository(given.repository, given.environment, given.ref, tuple(given.reader))
        plan = given.command == "plan" or given.plan
        count = work.up(repository, tell, plan=plan, take_over=given.take_over)
        show.show_count(console, count, plan=plan)
        if not plan:
            show.show_next(console, installation, repository, stack, work.signing_key.public_half())
        console.print()
    _look_at_quotas(given, settings, account, stack, console)
    return 0


def _look_at_quotas(
    given: argparse.Namespace, settings: dict[str, Any] | None, account: Account, stack: str, console: Console
) -> None:
    if settings is None:
        console.print(f"There is no Pulumi.{stack}.yaml, so nobody knows which machines' quotas to look at.")
        return
    machines = quotas.Machines.of(settings, at_once=given.jobs)
    client = account.clients("service-quotas")
    try:
        found = quotas.look(client, machines)
    except quotas.NoQuotaServiceError as error:
        console.print(f"{error}. They are:", style="yellow")
        for name in machines.quotas:
            console.print(f"quota {name}: {machines.at_once} are needed")
        return
    show.show_quotas(console, found)
    for quota in found:
        if not quota.is_to_be_asked:
            continue
        if given.request_quotas and given.command != "plan" and not getattr(given, "plan", False):
            quotas.ask(client, quota)
            console.print(f"asked for {quota.needs} of {quota.name}; AWS answers by mail, often after days")
        else:
            console.print(f"--request-quotas asks for {quota.needs} of {quota.name}", style="yellow")


def main(arguments: Sequence[str] | None = None) -> int:
    """Follows the command and returns the exit code: 0, 1 where it failed, 130 when interrupted."""
    given = _parse(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        return _follow(given, console)
    except BootstrapError as error:
        console.print(str(error), style="red")
    except (ClientError, BotoCoreError) as error:
        console.print(f"{error}. What is made stays, and the same command goes on from there.", style="red")
    except KeyboardInterrupt:
        console.print("Stopped. What is made stays, and the same command goes on from there.")
        return EXIT_INTERRUPTED
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
