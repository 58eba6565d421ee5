"""Pages for people whose link does not open."""

from html import escape
from string import Template

_PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title</title>
<style>
body { font: 17px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 18vh auto; padding: 0 1rem }
h1 { font-size: 1.5rem }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #ddd } }
</style>
</head>
<body><h1>$title</h1><p>$sentence</p></body>
</html>
"""
)


def page(title: str, sentence: str) -> str:
    """Write a small page."""
    return _PAGE.substitute(title=escape(title), sentence=escape(sentence))


UNKNOWN = page(
    "There is no such link",
    "The address may be cut off or mistyped. Ask the person who sent it for the whole link.",
)
GONE = page(
    "This link works no longer",
    "It has expired or was withdrawn. Ask the person who sent it for a new one.",
)
BROKEN = page("Something went wrong on our side", "Try again in a minute.")
