"""Asking the housekeeping function for what takes longer than a request may.

What is to go is marked first, in its row: from then on nobody is shown it. The mark is the time of asking,
and the request names it: housekeeping removes only what still bears that mark, so that a late or doubled
request removes nothing that was made since.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from functions.shared.clock import now_ms
from functions.shared.invocations import invoke_later
from functions.shared.outages import take_back
from functions.shared.stores import Table

MARK = "deletingAt"
"""Attribute of a row that is being removed: epoch milliseconds."""
LOST_AFTER_MS = 3600 * 1000
"""After so long a removal that was asked for may be asked for again: its first request must be lost."""
NOT_GOING = f"attribute_not_exists(#{MARK})"
"""Condition of every write that must not touch what is being removed."""

SIGNED = "askedBy"
"""Attribute by which a request that marks a row knows its own work, should the answer have been lost."""

Action = Literal["remove_project", "remove_capture", "remove_job", "export_project"]


@dataclass(frozen=True)
class Housekeeping:
    """The housekeeping function, from its callers' side.

    Attributes:
        function_arn: ARN of its alias.
    """

    function_arn: str

    def ask(self, action: Action, owner: str, **details: str | int) -> None:
        """Ask for something and do not wait for it.

        Raises:
            ClientError: The request was not taken; nothing is going to happen.
        """
        invoke_later(self.function_arn, {"action": action, "owner": owner, **details})

    def remove(
        self,
        table: Table,
        key: Mapping[str, str],
        *,
        action: Action,
        owner: str,
        condition: str,
        values: Mapping[str, Any],
        **ids: str,
    ) -> bool:
        """Mark a row as going and ask for the removal of all that belongs to it.

        Args:
            table: Its table.
            key: Its key.
            action: The removal.
            owner: Whose it is.
            condition: What must hold for it to be removed.
            values: Values that the condition names.
            **ids: What the removal names it by.

        Returns:
            False when the condition does not hold, or its removal was asked for within the last hour.

        Raises:
            ClientError: The request was not taken; the mark is taken back.
        """
        at = now_ms()
        marked = table.update(
            key,
            {MARK: at},
            condition=f"({condition}) AND ({NOT_GOING} OR #{MARK} < :lost)",
            values={**values, "lost": at - LOST_AFTER_MS},
            signed=SIGNED,
        )
        if marked is None:
            return False
        try:
            self.ask(action, owner, deletingAt=at, **ids)
        except Exception:
            take_back(lambda: unmark(table, key, at))
            raise
        return True


def is_going(row: Mapping[str, Any]) -> bool:
    """Tell whether a row is being removed: its owner is not shown it any more."""
    return row.get(MARK) is not None


def unmark(table: Table, key: Mapping[str, str], at: int) -> None:
    """Take a mark back, if it is still there."""
    table.update(key, {MARK: None, SIGNED: None}, condition=f"#{MARK} = :at", values={"at": at})
