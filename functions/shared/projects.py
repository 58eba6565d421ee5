"""Rows of the projects table, as their owner sees them."""

from functions.shared.exports import EXPORT
from functions.shared.housekeeping import MARK, SIGNED
from functions.shared.stores import Item

_OUR_OWN = frozenset({EXPORT, MARK, SIGNED})
"""What a row has for us alone."""


def shown_project(row: Item) -> Item:
    """Give a project as its owner sees it."""
    return {name: value for name, value in row.items() if name not in _OUR_OWN}
