"""An entry is put into a stack's file, and all else stays."""

import pytest
import yaml

from adoption.stack_file import KEY, StackFileError, with_adoption
from components.adopt import ADOPTABLE
from local.preview import ROOT

NAME = "projects-table"
ENTRY = {"id": "new", "ignoreChanges": ["tags", "tagsAll"]}


def add(text, id_="new"):
    return with_adoption(text, NAME, id_, ["tags", "tagsAll"])


@pytest.mark.parametrize(
    "text",
    [
        "config:\n  aws:region: us-west-2\n",
        "# first\nconfig:\n  aws:region: us-west-2 # why\n  spaceport:x:\n    - a # of a\n\n# last\n",
        "config:\n  aws:region: us-west-2\nenvironment:\n  - dev\n",
        "config:\n    aws:region: us-west-2\n    spaceport:text: |\n      a\n      b\n",
        "config:\n  aws:region: us-west-2",
        f"config:\n  {KEY}:\n    ml-bucket:\n      id: old # ours\n      absent: [cors]\n  aws:region: x\n",
        f"config:\n  {KEY}:\n      ml-bucket: {{id: old}}\n  # below\n  aws:region: x\n",
        f"config:\n  {KEY}:\n    ml-bucket:\n      id: old\n      absent:\n        - cors # no\n    # end\n",
    ],
)
def test_everything_else_stays_and_the_entry_is_there(text):
    written = add(text)
    expected = yaml.safe_load(text)
    expected["config"].setdefault(KEY, {})[NAME] = ENTRY
    assert yaml.safe_load(written) == expected
    lines = iter(written.splitlines())
    assert all(line in lines for line in text.splitlines()), "the old lines, in their order"
    assert add(written) == written


def test_settings_that_are_made_stand_beside_what_is_imported():
    text = "config:\n  aws:region: us-west-2\n"
    written = with_adoption(text, "ml-bucket", "old", ["tags"], absent=["cors", "policy"])
    entry = {"id": "old", "ignoreChanges": ["tags"], "absent": ["cors", "policy"]}
    assert yaml.safe_load(written)["config"][KEY] == {"ml-bucket": entry}


@pytest.mark.parametrize("stack", ["prod", "staging"])
def test_our_own_files_take_it(stack):
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text()
    assert yaml.safe_load(add(text))["config"][KEY][NAME]["id"] == "new"
    assert NAME in ADOPTABLE


@pytest.mark.parametrize(
    "text",
    [
        f"config:\n  {KEY}:\n    {NAME}:\n      id: another\n",
        f"config:\n  {KEY}: {{ml-bucket: {{id: old}}}}\n",
        f"config:\n  {KEY}:\n",
        "config: {}\n",
        "a: b\n",
        "",
    ],
)
def test_a_file_that_is_written_otherwise_is_left_to_people(text):
    with pytest.raises(StackFileError):
        add(text)
