"""The waitlist table: one row per person, known by the e-mail address in lower case."""

from dataclasses import dataclass
from typing import Any

from functions.shared.stores import Table


@dataclass(frozen=True)
class WaitlistStore:
    """Everybody who waits."""

    table: Table

    def add(self, row: dict[str, Any]) -> None:
        """Write a sign-up; one that is there already stays as it was."""
        self.table.put_new(row, key="email")

    def claim_welcome(self, email: str) -> bool:
        """Take the right to send a person's one welcome; False when it was sent, or is another's to send."""
        return self._turn_welcome(email, "PENDING", "SENT")

    def release_welcome(self, email: str) -> None:
        """Give the right back: the welcome could not be sent, and the next sign-up tries again."""
        self._turn_welcome(email, "SENT", "PENDING")

    def _turn_welcome(self, email: str, old: str, new: str) -> bool:
        changed = self.table.update(
            {"email": email},
            {"welcome": new},
            condition="#welcome = :old",
            values={"old": old},
            signed="welcomeChange",
        )
        return changed is not None
