"""`make preview`: what the program registers for a stack, with neither engine nor AWS."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

from components.settings import SettingsError
from local.deploy.config import ConfigError
from local.preview.config import MADE_BY, stack_config, stand_ins
from local.preview.differences import compare
from local.preview.documents import dump
from local.preview.named_run import named_run
from local.preview.program import PROJECT
from local.preview.registrations import Run
from local.preview.show import show_differences
from local.preview.tree import summary, tree

EXIT_FAILED = 1


def preview(console: Console, stack: str, extra: Mapping[str, str]) -> Run:
    """Runs the program for a stack and gives the outputs of its resources by name.

    Args:
        console: Told of the values that are stand-ins.
        stack: Name of the stack.
        extra: Config values that win over the stack's file.

    Raises:
        ConfigError: There is no such stack, or its file cannot be read.
        SettingsError: Its config is not usable.
    """
    config = stack_config(stack, extra)
    made = stand_ins(stack, config)
    for key in made:
        console.print(f"{stack}: {key} is a stand-in; {MADE_BY[key]} makes the real one.", style="dim")
    return named_run(config | made, stack=stack)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.preview", description=__doc__)
    parser.add_argument("stack", help="name of a stack, such as prod")
    parser.add_argument("--against", metavar="STACK", help="another stack: show what differs from it")
    parser.add_argument(
        "--config",
        "-c",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a value that wins over the stack's file, such as ephemeral=true; JSON for lists and maps",
    )
    parser.add_argument("--json", action="store_true", help="print everything registered, for programs")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the preview and returns the exit code: 0, or 1 where the config is not usable."""
    given = _parse(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    notes = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    extra = {}
    for pair in given.config:
        key, _, value = pair.partition("=")
        extra[key if ":" in key else f"{PROJECT}:{key}"] = value
    try:
        run = preview(notes, given.stack, extra)
        if given.against:
            differences = compare(run, preview(notes, given.against, {}))
            ours = " ".join([given.stack, *given.config])
            show_differences(console, differences, ours, given.against)
        elif given.json:
            print(dump(run))
        else:
            console.print(f"{PROJECT} {given.stack}", style="bold")
            for line in (*tree(run), *summary(run)):
                console.print(line)
    except (ConfigError, SettingsError) as error:
        notes.print(str(error), style="red")
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
