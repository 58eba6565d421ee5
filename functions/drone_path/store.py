"""The flight paths table: a saved plan per item, listed by owner.

A plan's document and its record are packed: unpacked, those of twelve batteries are too much for an item.
"""

from dataclasses import dataclass
from typing import Any

from functions.shared.housekeeping import NOT_GOING
from functions.shared.outages import take_back
from functions.shared.plan_documents import pack_plan, unpack_plan
from functions.shared.stores import Item, Page, Table
from functions.shared.tables import OWNER_INDEX

_DOCUMENT, _RECORD = "document", "record"


@dataclass(frozen=True)
class FlightPathStore:
    """Saved plans of all users.

    Attributes:
        flight_paths: Their table.
        projects: The projects that they may belong to.
    """

    flight_paths: Table
    projects: Table

    def add(self, item: Item, document: dict[str, Any], record: dict[str, Any], *, now_seconds: int) -> bool:
        """Save a plan and note it in its project, if it has one.

        Args:
            item: Its id, owner, createdAt and, if need be, projectId.
            document: The plan, as it is answered.
            record: The plan, as files are written from it.
            now_seconds: Epoch seconds.

        Returns:
            False when the owner has no such project; nothing is saved then.
        """
        packed = {_DOCUMENT: pack_plan(document), _RECORD: pack_plan(record)}
        self.flight_paths.put_new({**item, **packed}, key="id")
        if item.get("projectId") is None:
            return True
        try:
            linked = self.projects.update(
                {"userSub": item["owner"], "projectId": item["projectId"]},
                {"flightPlanId": item["id"], "updatedAt": now_seconds},
                add={"version": 1},
                condition=f"attribute_exists(#projectId) AND {NOT_GOING}",
            )
        except Exception:
            take_back(lambda: self._remove(item["id"]))
            raise
        if linked is None:
            self._remove(item["id"])
        return linked is not None

    def get(self, plan_id: str, owner: str) -> Item | None:
        """Read a plan of this owner: its document as `plan`, its record, or None, as `record`."""
        item = self.flight_paths.get({"id": plan_id})
        if item is None or item.get("owner") != owner:
            return None
        record = item.get(_RECORD)
        return {
            **_summary(item),
            "plan": unpack_plan(item[_DOCUMENT]),
            "record": None if record is None else unpack_plan(record),
        }

    def _remove(self, plan_id: str) -> None:
        self.flight_paths.delete({"id": plan_id}, condition="attribute_exists(#id)")

    def page(self, owner: str, limit: int, cursor: str | None) -> Page:
        """Read some plans of one owner, the newest first, without documents and records."""
        page = self.flight_paths.query(
            "#owner = :owner",
            {"owner": owner},
            index=OWNER_INDEX,
            newest_first=True,
            limit=limit,
            cursor=cursor,
        )
        return Page(items=[_summary(item) for item in page.items], cursor=page.cursor)


def _summary(item: Item) -> Item:
    return {name: value for name, value in item.items() if name not in (_DOCUMENT, _RECORD)}
