"""How often something may happen in a day, counted in DynamoDB."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from functions.shared.clock import now_seconds
from functions.shared.mail_address import mailbox
from functions.shared.stores import Table

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class DailyLimits:
    """Counts per day (UTC), in rows that go by themselves.

    Attributes:
        table: The limits table.
    """

    table: Table

    def take(self, what: str, most: int) -> bool:
        """Count one more.

        Args:
            what: What is counted.
            most: How many a day may have.

        Returns:
            False when the day has had as many already; however many ask at once, no more get through.
        """
        now = now_seconds()
        counted = self.table.update(
            {"limitId": _row_id(what, now)},
            {"expiresAt": now + 2 * DAY_SECONDS},
            add={"count": 1},
            condition="attribute_not_exists(#count) OR #count < :most",
            values={"most": most},
        )
        return counted is not None

    def take_mail(self, what: str, address: str, most: int) -> bool:
        """Count one more mail to a mailbox, whichever of its addresses the mail goes to.

        Args:
            what: Which mails are counted.
            address: Whom the mail is for, in lower case; the row holds no address.
            most: How many a day the mailbox may get.

        Returns:
            False when it has had as many already.
        """
        return self.take(f"{what}/{hashlib.sha256(mailbox(address).encode()).hexdigest()}", most)

    def give_back(self, what: str) -> None:
        """Count one less, as what was counted did not happen after all."""
        self.table.update(
            {"limitId": _row_id(what, now_seconds())},
            {},
            add={"count": -1},
            condition="#count > :none",
            values={"none": 0},
        )


def _row_id(what: str, now: int) -> str:
    return f"{what}/{datetime.fromtimestamp(now, UTC).date().isoformat()}"
