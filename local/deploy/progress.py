"""How far a deployment is: nobody knows beforehand how many resources a program will register."""

import json
from collections.abc import Callable
from pathlib import Path

from local.deploy.model import ResourceState

_REMEMBERED = Path(__file__).resolve().parents[2] / "build" / "deploy" / "resources.json"
# Until a deployment has been counted, the bar slows down instead of reaching its end too early.
_FIRST_GUESS = 60


class DeployProgress:
    """Turns finished resources into a fraction, with the number that the last deployment of the stack had."""

    def __init__(
        self,
        project: str,
        stack: str,
        tell: Callable[[float, str], None],
        *,
        remembered: Path = _REMEMBERED,
    ) -> None:
        self._key = f"{project}/{stack}"
        self._tell = tell
        self._path = remembered
        self._expected: int | None = self._counts().get(self._key)

    def finished(self, count: int, state: ResourceState) -> None:
        """Tells of one more resource."""
        total = max(self._expected, count) if self._expected else count + _FIRST_GUESS
        self._tell(count / total, f"{count} resources, now {state.name}")

    def end(self, count: int, *, complete: bool) -> None:
        """Tells the end and remembers how many there were."""
        if not complete:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({**self._counts(), self._key: count}))
        self._tell(1.0, f"{count} resources")

    def _counts(self) -> dict[str, int]:
        try:
            counts: dict[str, int] = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return counts
