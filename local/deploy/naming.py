"""Physical names, as Pulumi makes them: by default logical name, dash, seven random hexadecimal digits."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from local.deploy.config import ConfigError

SETTING = "pulumi:autonaming"
DEFAULT_PATTERN = "${name}-${hex(7)}"
RANDOM_DIGITS = 7
_EXPRESSION = re.compile(r"\$\{([^}]*)\}")
_HEX = re.compile(r"hex\((\d+)\)")


@dataclass(frozen=True)
class Naming:
    """How a stack's resources are named where the program does not say it.

    Attributes:
        project: Name of the project.
        stack: Name of the stack.
        pattern: As in `pulumi:autonaming`; of its expressions `name`, `project`, `stack` and `hex(n)`.
    """

    project: str
    stack: str
    pattern: str = DEFAULT_PATTERN

    @classmethod
    def of(cls, project: str, stack: str, config: Mapping[str, str]) -> "Naming":
        """Takes the pattern from a stack's config.

        Raises:
            ConfigError: The setting has more than a pattern, or an expression that is not known here.
        """
        setting = json.loads(config.get(SETTING) or "{}")
        if set(setting) - {"pattern"}:
            raise ConfigError(f"{SETTING} may have a pattern here, nothing else: {setting}")
        naming = cls(project, stack, setting.get("pattern", DEFAULT_PATTERN))
        naming.name("name", limit=len(naming.pattern) + len(project) + len(stack) + 255)
        return naming

    def name(self, logical: str, *, limit: int, lower: bool = False, suffix: str = "") -> str:
        """Makes a physical name that is not used yet.

        Args:
            logical: The resource's name in the program.
            limit: Longest name that the service takes.
            lower: Whether the service takes lower case only.
            suffix: What the name must end in, such as `.fifo`.

        Raises:
            ValueError: The name would be too long, as it would be on AWS.
        """
        values = {"name": logical, "project": self.project, "stack": self.stack}

        def value(found: re.Match[str]) -> str:
            digits = _HEX.fullmatch(found[1])
            if digits:
                return random_digits(int(digits[1]))
            if found[1] not in values:
                raise ConfigError(f"{SETTING} has ${{{found[1]}}}, which is not known here")
            return values[found[1]]

        return checked(_EXPRESSION.sub(value, self.pattern) + suffix, limit=limit, lower=lower)


def random_digits(count: int = RANDOM_DIGITS) -> str:
    """Hexadecimal digits that are new every time."""
    return secrets.token_hex(count)[:count]


def checked(name: str, *, limit: int, lower: bool = False) -> str:
    """Gives a name back as the service takes it.

    Raises:
        ValueError: It is too long.
    """
    if len(name) > limit:
        raise ValueError(f"the name {name!r} has {len(name)} characters, and {limit} are the most here")
    return name.lower() if lower else name
