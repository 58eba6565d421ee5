"""What docs/ say of the program, held against the program."""

import re

from components.adopt import ADOPTABLE
from local.preview import ROOT

PAGES = sorted((ROOT / "docs").glob("*.md"))


def made(run):
    return [one for one in run.registrations if one.custom or one.type.startswith("awsx:")]


def test_the_parts_of_the_replaced_system_add_up_to_the_whole(prod):
    text = (ROOT / "docs" / "replaced-system.md").read_text()
    rows = re.findall(r"^\| .* \| .* \| (\d+) \|$", text, re.MULTILINE)
    (total,) = re.findall(r"^\| 183 \| .*\| (\d+) \|$", text, re.MULTILINE)
    parts = [int(row) for row in rows if row != total]
    provider = 1
    assert int(total) == len(made(prod)) > 183
    assert sum(parts) + provider == int(total)


def test_what_adoption_is_shown_with_can_be_adopted():
    text = (ROOT / "docs" / "adopting.md").read_text()
    (example,) = re.findall(r"spaceport:adopt:\n(.*?)```", text, re.DOTALL)
    named = set(re.findall(r"^  ([a-z0-9-]+):$", example, re.MULTILINE))
    assert named
    assert named <= ADOPTABLE


def test_pages_lead_to_pages_that_are_there():
    for page in [*PAGES, ROOT / "README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), (page.name, target)


def test_every_page_is_reachable_from_the_readme():
    text = (ROOT / "README.md").read_text()
    assert all(f"docs/{page.name}" in text for page in PAGES)


def test_settings_named_in_the_docs_are_in_the_schema():
    keys = set(re.findall(r"^  (\w+):$", (ROOT / "Pulumi.yaml").read_text(), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"`spaceport:(\w+)`", page.read_text()))
        assert named <= keys, (page.name, named - keys)
