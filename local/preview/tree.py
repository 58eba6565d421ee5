"""The tree of what a run registered, for people."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.text import Text

from local.preview.registrations import Registration, Run

OWN = "spaceport"
Children = Mapping[str, Sequence[Registration]]


def short_type(token: str) -> str:
    """A type token for people: `s3.Bucket` for `aws:s3/bucket:Bucket`, `Storage` for a component of ours."""
    package, module, name = token.split(":")
    if package == OWN:
        return name
    if package == "pulumi":
        return "Provider"
    short = f"{module.partition('/')[0]}.{name}"
    return short if package == "aws" else f"{package}.{short}"


def is_component(registration: Registration) -> bool:
    """Whether it is one of ours; a component of awsx counts as a resource, for its parts do not show here."""
    return registration.type.startswith(f"{OWN}:")


def options_of(registration: Registration) -> dict[str, str]:
    """Options that say what becomes of a resource at an update, each in words, by their names."""
    words = {
        "protect": "protect" if registration.protect else "",
        "import": f"import {registration.import_id}" if registration.import_id else "",
        "retain on delete": "retain on delete" if registration.retain_on_delete else "",
        "delete before replace": "delete before replace" if registration.delete_before_replace else "",
        "ignore changes": _named("ignore", registration.ignore_changes),
        "replace on changes": _named("replace on", registration.replace_on_changes),
        "aliases": _named("was", _earlier_places(registration)),
    }
    return {name: text for name, text in words.items() if text}


def tree(run: Run) -> Iterator[Text]:
    """Components and their resources, each with its name, type and options, line by line."""
    children = _children(run)

    def grow(parent: str, indent: str) -> Iterator[Text]:
        below = sorted(children[parent], key=lambda one: (is_component(one), one.name))
        for one in below:
            is_last = one is below[-1]
            guide = Text(indent + ("└── " if is_last else "├── "), style="dim")
            yield guide + _line(one, children)
            yield from grow(one.urn, indent + ("    " if is_last else "│   "))

    return grow("", "")


def summary(run: Run) -> Iterator[Text]:
    """How many resources there are in each component, what is kept, adopted and exported.

    Args:
        run: With outputs by name, as `symbolic` makes it.
    """
    children = _children(run)
    tops = sorted((one for one in children[""] if is_component(one)), key=lambda one: one.name)
    yield heading("Resources by component")
    yield columns([(one.name, short_type(one.type), str(_size(one, children))) for one in tops])

    resources = [one for one in run.registrations if not is_component(one)]
    imported = sorted((one for one in resources if one.import_id), key=lambda one: one.name)
    kept = {
        "protected": sum(one.protect for one in resources),
        "retained on delete": sum(one.retain_on_delete for one in resources),
        "imported": len(imported),
    }
    yield heading("In all")
    yield Text(
        f"  {len(resources)} resources in {len(run.registrations) - len(resources)} components; "
        + ", ".join(f"{count} {word}" for word, count in kept.items())
    )
    yield heading("Adoptions")
    adopted = [(one.name, f"from {one.import_id}", _named("ignore", one.ignore_changes)) for one in imported]
    yield columns(adopted or [("none",)])
    yield heading("Outputs")
    yield columns(sorted((name, str(value)) for name, value in run.outputs.items()))


def heading(text: str) -> Text:
    """A line above a part."""
    return Text(f"\n{text}", style="bold")


def columns(rows: Sequence[Sequence[str]]) -> Text:
    """Rows of texts, indented, each column as wide as it must be and the last one as long as it is."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return Text("\n".join(f"  {line.rstrip()}" for line in lines))


def _line(one: Registration, children: Children) -> Text:
    if is_component(one):
        size = _size(one, children)
        count = f"{size} resource{'' if size == 1 else 's'}"
        return Text.assemble((one.name, "bold"), "  ", (short_type(one.type), "cyan"), "  ", (count, "dim"))
    line = Text.assemble(one.name, "  ", (short_type(one.type), "green"))
    marks = ", ".join(options_of(one).values())
    return line.append(f"  [{marks}]", style="yellow") if marks else line


def _size(component: Registration, children: Children) -> int:
    """Resources in a component, those of the components in it included."""
    return sum(_size(one, children) if is_component(one) else 1 for one in children[component.urn])


def _children(run: Run) -> Children:
    """Resources by the URN of their parent; those of the stack itself by an empty one."""
    urns = {one.urn for one in run.registrations}
    children: dict[str, list[Registration]] = defaultdict(list)
    for one in run.registrations:
        children[one.parent if one.parent in urns else ""].append(one)
    return children


def _earlier_places(one: Registration) -> Iterator[str]:
    """Where it was before, as `types::name`; other types of the same place are the SDK's own aliases."""
    _, _, types, name = one.urn.split("::")
    for urn in one.aliases:
        _, _, earlier_types, earlier_name = urn.split("::")
        parents = [chain.rpartition("$")[0] for chain in (types, earlier_types)]
        if is_component(one) or earlier_name != name or len(set(parents)) > 1:
            yield f"{earlier_types}::{earlier_name}"


def _named(word: str, names: Iterable[str]) -> str:
    joined = ", ".join(names)
    return f"{word} {joined}" if joined else ""
