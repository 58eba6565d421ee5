"""A run of the program that can be compared with others."""

from collections.abc import Mapping

from local.preview.monitor import steady_suffix
from local.preview.program import run_program
from local.preview.registrations import Run
from local.preview.symbols import symbolic


def named_run(config: Mapping[str, str], *, stack: str) -> Run:
    """Runs the program, and gives the outputs of its resources by name.

    Args:
        config: The whole config by full key, stand-ins included.
        stack: Name of the stack.

    Raises:
        SettingsError: The config is not usable.
    """
    return symbolic(run_program(config, stack=stack, suffix=steady_suffix))
