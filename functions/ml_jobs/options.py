"""The containers' options that a person may set: names, kinds and ranges.

The containers check their options themselves; this table refuses a wrong one before any machine is started. A
test holds it against the containers' own option models.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.ml_jobs.presets import options_of
from functions.shared.errors import bad_request
from functions.shared.job_names import COMPRESSOR, OLD_STEP_WORDS, SFM, STEPS, TRAINING


class OptionError(ValueError):
    """An option is unknown or out of range; the message names it."""


@dataclass(frozen=True)
class Whole:
    """A whole number within bounds."""

    minimum: int
    maximum: int

    def text(self, value: object) -> str | None:
        """Write the value as a container's argument; None when it is not in range."""
        number = _number(value)
        if number is None or number != int(number) or not self.minimum <= number <= self.maximum:
            return None
        return str(int(number))

    def allowed(self) -> str:
        """Say what is allowed."""
        return f"a whole number from {self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Number:
    """A number within bounds."""

    minimum: float
    maximum: float

    def text(self, value: object) -> str | None:
        """Write the value as a container's argument; None when it is not in range."""
        number = _number(value)
        return repr(number) if number is not None and self.minimum <= number <= self.maximum else None

    def allowed(self) -> str:
        """Say what is allowed."""
        return f"a number from {self.minimum} to {self.maximum}"


@dataclass(frozen=True)
class Choice:
    """One of some words; `true` and `false` also as JSON booleans."""

    words: tuple[str, ...]

    def text(self, value: object) -> str | None:
        """Write the value as a container's argument; None when it is none of the words."""
        word = str(value).lower() if isinstance(value, bool) else value
        return word if isinstance(word, str) and word in self.words else None

    def allowed(self) -> str:
        """Say what is allowed."""
        return "one of " + ", ".join(self.words)


Option = Whole | Number | Choice
SWITCH = Choice(("true", "false"))

OPTIONS: Mapping[str, Mapping[str, Option]] = {
    SFM: {
        "max_image_size": Whole(160, 8192),
        "feature_image_size": Whole(160, 8192),
        "max_num_features": Whole(256, 32768),
        "matching": Choice(("auto", "exhaustive", "neighbors")),
        "exhaustive_limit": Whole(3, 2000),
        "num_neighbors": Whole(4, 200),
        "min_registered_share": Number(0.1, 1.0),
        "jpeg_quality": Whole(50, 100),
        "parallel_adjustment": SWITCH,
        "seed": Whole(0, 2**31 - 1),
    },
    TRAINING: {
        "max_steps": Whole(1, 100_000),
        "image_size": Whole(64, 8192),
        "sh_degree": Whole(0, 3),
        "strategy": Choice(("mcmc", "default")),
        "max_gaussians": Whole(100, 10_000_000),
        "initial_gaussians": Whole(100, 10_000_000),
        "heldout_every": Whole(0, 1000),
        "exposure": SWITCH,
        "ssim_weight": Number(0, 1),
        "learning_rate_scale": Number(0, 10),
        "max_seconds": Number(0, 5 * 86_400),
        "checkpoint_every_seconds": Number(0, 86_400),
        "seed": Whole(0, 2**31 - 1),
    },
    COMPRESSOR: {
        "sh_degree": Whole(0, 3),
        "sh_palette": Whole(0, 65536),
        "palette_rounds": Whole(3, 50),
        "weigh_by_visibility": SWITCH,
        "min_opacity": Number(0, 0.5),
        "preview_width": Whole(160, 3840),
        "preview_height": Whole(100, 2160),
        "seed": Whole(0, 2**32 - 1),
    },
}

OUR_OPTIONS: Mapping[str, frozenset[str]] = {
    SFM: frozenset({"num_threads"}),
    TRAINING: frozenset(),
    COMPRESSOR: frozenset({"title"}),
}
"""Options that follow from the machine or the project and are not a person's to set."""

OLD_NAMES = {"MAX_ITERATIONS": "max_steps", "SH_DEGREE": "sh_degree"}
"""Names that older clients use for an option of the 3dgs step."""


def check_options(given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Check what a person asks for.

    Args:
        given: Option names of the 3dgs step with their values and, under a step's name, an object of that
            step's options.

    Returns:
        Per step, the options as the containers take them: strings.

    Raises:
        OptionError: Naming each option that is unknown (with near names) or out of range (with the range).
    """
    chosen: dict[str, dict[str, str]] = {step: {} for step in STEPS}
    problems: list[str] = []
    for name, value in given.items():
        step = OLD_STEP_WORDS.get(name, name)
        if step in OPTIONS:
            if not isinstance(value, Mapping):
                problems.append(f"hyperparameters.{name}: must be an object of options")
                continue
            for option, setting in value.items():
                problems += _take(chosen, step, str(option), setting)
        else:
            problems += _take(chosen, TRAINING, OLD_NAMES.get(name, name), value)
    if problems:
        raise OptionError("; ".join(problems[:10]))
    return chosen


def _take(chosen: dict[str, dict[str, str]], step: str, name: str, value: object) -> list[str]:
    options = OPTIONS[step]
    if name not in options:
        near = difflib.get_close_matches(name, options, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return [f"hyperparameters: the {step} step has no option {name[:80]}{hint}"]
    text = options[name].text(value)
    if text is None:
        return [f"hyperparameters.{name}: must be {options[name].allowed()}"]
    chosen[step][name] = text
    return []


def _number(value: object) -> float | None:
    """Read a number or its text; no booleans, no NaN, no infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def chosen_options(preset: str, given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Give the options of each step: the preset's, and over them what a person asks for.

    Raises:
        ApiError: 400, naming each option that cannot be.
    """
    try:
        return options_of(preset, check_options(given))
    except OptionError as error:
        raise bad_request("INVALID_OPTIONS", str(error)) from error
