"""Existing resources are taken over whole, and never deleted."""

import pytest

from components.adopt import ADOPTABLE, BUCKETS, USER_GROUPS
from local.preview import run_program, stack_config

SPLIT_SETTINGS = {"artifacts-bucket": 6, "uploads-bucket": 7, "ml-bucket": 7}
"""Pages have no business with the artifacts, so that bucket has no CORS."""


@pytest.fixture(scope="module")
def adopt(bootstrap):
    """Run prod's program with some resources adopted."""

    def adopt(entries):
        config = stack_config("prod", {**bootstrap, "spaceport:adopt": entries})
        return run_program(config, stack="prod")

    return adopt


@pytest.fixture(scope="module")
def all_adopted(adopt):
    return adopt({name: {"id": f"existing-{name}", "ignoreChanges": ["tags"]} for name in ADOPTABLE})


@pytest.mark.parametrize("name", sorted(ADOPTABLE))
def test_what_can_be_adopted_is_imported_kept_and_protected(all_adopted, name):
    (found,) = [one for one in all_adopted.registrations if one.name == name and one.import_id]
    assert found.import_id == f"existing-{name}"
    assert found.protect
    assert found.retain_on_delete
    assert found.ignore_changes == ("tags",)


def test_nothing_else_is_imported(all_adopted):
    imported = [one for one in all_adopted.registrations if one.import_id]
    splits = [one for one in imported if one.type.startswith("aws:s3/bucket") and one.name not in BUCKETS]
    assert len(imported) == len(ADOPTABLE) + len(splits)
    assert len(splits) == sum(SPLIT_SETTINGS.values())


def test_a_bucket_brings_its_settings(all_adopted):
    for bucket in BUCKETS:
        splits = [
            one for one in all_adopted.registrations if one.name.startswith(f"{bucket}-") and one.custom
        ]
        assert len(splits) == SPLIT_SETTINGS[bucket]
        assert all(one.import_id == f"existing-{bucket}" for one in splits)
        assert all(one.protect and one.retain_on_delete for one in splits)


def test_a_setting_that_the_bucket_lacks_is_made(adopt):
    run = adopt({"uploads-bucket": {"id": "old", "absent": ["cors", "policy"]}})
    by_name = {one.name: one for one in run.registrations if one.name.startswith("uploads-bucket-")}
    made = {name for name, one in by_name.items() if not one.import_id}
    assert made == {"uploads-bucket-cors", "uploads-bucket-policy"}
    assert all(one.protect and one.retain_on_delete for one in by_name.values())


def test_without_an_entry_everything_is_made_and_named_by_pulumi(prod):
    assert not any(one.import_id for one in prod.registrations)
    # People's tokens name their groups, so these have names of their own.
    named = {one.name for one in prod.registrations if one.name in ADOPTABLE and "name" in one.inputs}
    assert named == set(USER_GROUPS)
