"""The comment on a pull request: who may do what, and what would change."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.preview.documents import load
from release.abilities import Abilities, compare

MARKER = "<!-- spaceport: preview -->"
MAX_BYTES = 65_000
"""GitHub takes 65,536 characters; counted in bytes there is room for the marker, whatever is in the text."""
_MOST_LINES = 60
"""Of abilities gained, and of those lost: a longer list nobody reads, and the diff has it."""
_END_BYTES = 2_000
"""Of a diff that is cut: at its end stands how many resources change."""


@dataclass(frozen=True)
class Section:
    """What is known of one stack.

    Attributes:
        stack: Its name.
        diff: What `pulumi preview --diff` printed.
        passed: Whether the preview came to its end.
        abilities: What changes in who may do what; None where a revision does not run.
        problem: Why there are no abilities.
    """

    stack: str
    diff: str
    passed: bool
    abilities: Abilities | None
    problem: str = ""


def read_section(folder: Path) -> Section:
    """Read what the preview of a stack has left in the folder that is called by it.

    `before.json` and `after.json` are the program's runs of the base and of the pull request,
    `diff.txt` is the preview, `passed` is there where it came to its end.
    """
    diff = folder / "diff.txt"
    abilities, problem = None, ""
    try:
        before, after = (load((folder / f"{name}.json").read_text()) for name in ("before", "after"))
        abilities = compare(before, after)
    except (OSError, ValueError):
        problem = "The program does not run at both revisions, so nobody knows who may do what."
    return Section(
        stack=folder.name,
        diff=diff.read_text(errors="replace") if diff.exists() else "",
        passed=(folder / "passed").exists(),
        abilities=abilities,
        problem=problem,
    )


def body(sections: Sequence[Section], *, revision: str, images: Sequence[str]) -> str:
    """Write the comment; diffs are cut so that all of it fits.

    Args:
        sections: A section per stack.
        revision: What was previewed.
        images: Images that the pull request changes.
    """
    head = f"### Preview of {revision[:12]}\n"
    if images:
        head += (
            f"\nImages to be built: {', '.join(images)}. The preview has those that are deployed instead, "
            "so it does not show them.\n"
        )
    words = [_words(section) for section in sections]
    room = MAX_BYTES - sum(_size(text) for text in (head, *words))
    each = room // max(1, len(sections))
    diffs = [folded(section.diff.strip(), _title(section), most=each) for section in sections]
    return "".join([head, *(text for pair in zip(words, diffs, strict=True) for text in pair)])


def _words(section: Section) -> str:
    lines = [f"\n#### {section.stack}\n"]
    if not section.passed:
        lines.append("**The preview failed**; the text below ends with the reason.\n")
    if section.abilities is None:
        lines.append(f"{section.problem}\n")
    elif not section.abilities:
        lines.append("Nobody gains or loses an ability.\n")
    else:
        for title, found in (("Gained", section.abilities.gained), ("Lost", section.abilities.lost)):
            if found:
                lines.append(f"**{title}**\n")
                lines += [f"- {line}" for line in found[:_MOST_LINES]]
                if len(found) > _MOST_LINES:
                    lines.append(f"- and {len(found) - _MOST_LINES} more")
                lines.append("")
    return _cut("\n".join(lines), MAX_BYTES // 4) + "\n"


def _title(section: Section) -> str:
    return "What would change" if section.passed else "What the preview printed"


def folded(text: str, title: str, *, most: int = MAX_BYTES - 2_000) -> str:
    """Write a long text that opens on a click.

    Args:
        text: The text; nothing where it is empty.
        title: What is seen while it is closed.
        most: Bytes that it may have with all around it; it is cut in its middle.
    """
    if not text:
        return ""
    # A fence that is longer than every one in the text: nothing in it can end it.
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    before, after = f"\n<details><summary>{title}</summary>\n\n{fence}diff\n", f"\n{fence}\n</details>\n"
    return before + _cut(text, most - _size(before + after)) + after


def _cut(text: str, most: int) -> str:
    """Cut a text in its middle so that it has no more bytes than it may."""
    if _size(text) <= most:
        return text
    note = "\n[.. cut here; the run's log has all of it ..]\n"
    end = min(_END_BYTES, most // 4)
    start = max(0, most - end - _size(note))
    data = text.encode()
    return data[:start].decode(errors="ignore") + note + data[-end:].decode(errors="ignore")


def _size(text: str) -> int:
    return len(text.encode())
