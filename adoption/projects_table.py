"""Moves the replaced system's projects, kept under `id`, into a table that the program can adopt.

Four steps, each of which may be repeated: `plan` only reads; `copy` makes the new table and fills it; `check`
compares the two; `switch` lets the program adopt the new table once a check has passed. Nothing is written to
the old table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adoption import stack_file
from adoption.checking import Checked, check
from adoption.copying import Bookmark, Copied, copy
from adoption.survey import Survey, survey
from adoption.tables import Blueprint, Existing, MigrationError, Source, Target, find, provide
from local.preview import Run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RESOURCE = "projects-table"
"""The program's name of the table."""
IGNORED_AT_FIRST = ("tags", "tagsAll")
"""Inputs that an import nearly always finds different."""

StepProgress = Callable[[str, int, int], None]
"""Told what is being done, how many items more are done, and about how many there are."""


@dataclass(frozen=True)
class Migration:
    """One old table on its way.

    Attributes:
        client: DynamoDB, where both tables are.
        source: The old table.
        target: Name of the new one.
        blueprint: How the program makes the new one.
        bookmarks: Folder in which a copy notes how far it is.
        on_progress: Told of the steps as they go.
    """

    client: "DynamoDBClient"
    source: Source
    target: str
    blueprint: Blueprint
    bookmarks: Path
    on_progress: StepProgress = lambda _what, _more, _about: None

    @classmethod
    def open(
        cls,
        client: "DynamoDBClient",
        run: Run,
        *,
        old: str,
        new: str,
        bookmarks: Path,
        on_progress: StepProgress = lambda _what, _more, _about: None,
    ) -> "Migration":
        """Looks at the old table and at what the program makes.

        Args:
            client: DynamoDB.
            run: A run of the program for the stack.
            old: Name of the old table.
            new: Name of the new table, which need not be there.
            bookmarks: Folder in which a copy notes how far it is.
            on_progress: Told of the steps as they go.

        Raises:
            MigrationError: There is nothing to migrate.
        """
        blueprint = Blueprint.of(run, RESOURCE)
        table = find(client, old)
        if table is None:
            raise MigrationError(f"there is no table {old} in {client.meta.region_name}")
        if sorted(table.keys) == sorted(blueprint.keys):
            raise MigrationError(f"{old} has the program's keys: adopt it as it is (docs/adopting.md)")
        if old == new:
            raise MigrationError("the new table cannot be the old one")
        return cls(client, Source(client, table), new, blueprint, bookmarks, on_progress)

    def plan(self) -> Survey:
        """Reads the old table."""
        about = self.source.table.roughly
        return survey(self.source, lambda items: self.on_progress("reading the old table", items, about))

    def copy(self, found: Survey) -> Copied:
        """Makes the new table where it is missing, and copies what counts.

        Raises:
            MigrationError: A table of that name has other keys.
        """
        made = provide(self.client, self.target, self.blueprint)
        bookmark = Bookmark(
            self.bookmarks / f"{self.source.table.name}--{self.target}.json",
            source=self.source.table.id,
            target=made.id,
        )
        return copy(
            self.source,
            Target(self.client, self.target),
            found,
            bookmark,
            lambda items: self.on_progress("copying", items, found.items),
        )

    def check(self, found: Survey) -> Checked:
        """Compares the tables.

        Raises:
            MigrationError: There is no new table yet.
        """
        if self._made() is None:
            raise MigrationError(f"there is no table {self.target} yet: copy first")
        return check(
            self.source,
            Target(self.client, self.target),
            found,
            lambda items: self.on_progress("comparing", items, found.items),
        )

    def switch(self, file: Path) -> bool:
        """Lets the stack adopt the new table; False where its file says so already.

        Args:
            file: Of the stack.

        Raises:
            StackFileError: The file is not one that an entry can be put into.
        """
        text = file.read_text()
        written = stack_file.with_adoption(text, RESOURCE, self.target, IGNORED_AT_FIRST)
        if written != text:
            file.write_text(written)
        return written != text

    def _made(self) -> Existing | None:
        return find(self.client, self.target)
