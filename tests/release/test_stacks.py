"""Stacks of pull requests: named by their number, made from staging's file, gone after two weeks."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from local.preview import ROOT, run_program, stack_config, stand_in_public_key
from release import __main__ as commands
from release.stacks import LONGEST_LIFE, OVERLAY, StackError, config_of, overdue, region, remove, stack_of
from tests.release.tool_kit import Tools

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "program"
    (root / "release").mkdir(parents=True)
    for name in ("Pulumi.yaml", "Pulumi.staging.yaml", OVERLAY):
        shutil.copy(ROOT / name, root / name)
    return root


def bootstrapped(folder, **more):
    document = yaml.safe_load((folder / OVERLAY).read_text())
    made = {"deliveryPublicKey": stand_in_public_key(), **more}
    document["config"] |= {f"spaceport:{key}": value for key, value in made.items()}
    (folder / OVERLAY).write_text(yaml.safe_dump(document))


def settings(folder):
    return yaml.safe_load(config_of(folder))["config"]


def test_without_what_bootstrap_makes_there_is_no_stack(folder):
    with pytest.raises(StackError, match=r"deliveryPublicKey.*bootstrap"):
        config_of(folder)


def test_it_is_an_ephemeral_staging_that_uses_nothing_of_stagings_own(folder):
    staging = yaml.safe_load((folder / "Pulumi.staging.yaml").read_text())
    staging["config"] |= {
        "spaceport:permissionsBoundary": "arn:staging",
        "spaceport:apiDomain": "api.example.com",
        "spaceport:deliveryPublicKey": "staging's",
    }
    staging |= {"secretsprovider": "awskms://staging", "encryptedkey": "staging's"}
    (folder / "Pulumi.staging.yaml").write_text(yaml.safe_dump(staging))
    bootstrapped(folder)
    with pytest.raises(StackError, match="permissionsBoundary"):
        config_of(folder)
    bootstrapped(folder, permissionsBoundary="arn:pr")
    document = yaml.safe_load(config_of(folder, secrets_provider="awskms://pr"))
    made = document.pop("config")
    assert document == {"secretsprovider": "awskms://pr"}
    assert made["spaceport:ephemeral"] is True
    assert made["spaceport:allowedOrigins"] == staging["config"]["spaceport:allowedOrigins"]
    assert "spaceport:apiDomain" not in made
    for key in ("deliveryPublicKey", "deliveryPrivateKeySecret", "permissionsBoundary"):
        assert made[f"spaceport:{key}"] != staging["config"][f"spaceport:{key}"]


def test_the_program_runs_with_it_and_protects_nothing(folder):
    bootstrapped(folder)
    (folder / "Pulumi.pr-7.yaml").write_text(config_of(folder))
    run = run_program(stack_config("pr-7", folder=folder), stack="pr-7")
    assert run.of("aws:s3/bucket:Bucket")
    assert not [one.name for one in run.registrations if one.protect]


def test_a_name_is_a_number():
    assert stack_of(12) == "pr-12"
    for number in (0, -1):
        with pytest.raises(StackError):
            stack_of(number)


def listed(**updated):
    return [{"name": name.replace("_", "-"), "lastUpdate": when} for name, when in updated.items()]


def test_those_are_overdue_that_nothing_has_changed_for_too_long():
    old = (NOW - LONGEST_LIFE - timedelta(minutes=1)).isoformat()
    young = (NOW - LONGEST_LIFE + timedelta(minutes=1)).isoformat()
    stacks = listed(
        pr_1=old, pr_2=young, staging=old, prod=old, pr_x=old, pr_3=None, pr_4="2026-10-01T00:00:00.000Z"
    )
    assert overdue(stacks, NOW) == ["pr-1", "pr-3", "pr-4"]
    busy = [{**stacks[0], "updateInProgress": True}]
    assert overdue(busy, NOW) == []


@pytest.fixture
def pulumi(tmp_path, monkeypatch, folder):
    monkeypatch.setattr(commands, "ROOT", folder)
    tools = Tools(tmp_path / "tools", monkeypatch)
    stacks = json.dumps(
        listed(pr_1="2020-01-01T00:00:00Z", pr_2="2999-01-01T00:00:00Z", staging="2020-01-01T00:00:00Z")
    )
    tools.add("pulumi", f"if 'ls' in arguments: print({stacks!r})\nif 'pr-9' in arguments: sys.exit('boom')")
    return tools


def removals(tools):
    return [arguments for arguments, _ in tools.calls("pulumi") if "ls" not in arguments]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [(["--overdue"], ["pr-1"]), (["--number", "2"], ["pr-2"]), (["--number", "5"], [])],
)
def test_a_stack_is_removed_with_all_that_is_in_it(pulumi, arguments, names):
    assert commands.main(["remove", *arguments]) == 0
    calls = removals(pulumi)
    assert [call[0] for call in calls] == ["destroy", "stack"] * len(names)
    assert all(call[call.index("--stack") + 1] in names for call in calls)


def test_no_other_stack_is_ever_removed(pulumi, folder):
    for name in ("staging", "prod", "pr-", "pr-1x"):
        with pytest.raises(StackError, match="not removed"):
            remove(folder, name)
    assert removals(pulumi) == []


def test_a_stack_that_cannot_be_destroyed_is_not_forgotten(pulumi, folder):
    with pytest.raises(StackError, match="boom"):
        remove(folder, "pr-9")
    assert [call[0] for call in removals(pulumi)] == ["destroy"]


def test_the_config_is_written_and_named(folder, monkeypatch, capsys):
    bootstrapped(folder)
    monkeypatch.setattr(commands, "ROOT", folder)
    monkeypatch.setenv("PULUMI_SECRETS_PROVIDER", "awskms://x")
    assert commands.main(["config", "--number", "7"]) == 0
    assert capsys.readouterr().out == "pr-7\n"
    assert yaml.safe_load((folder / "Pulumi.pr-7.yaml").read_text())["secretsprovider"] == "awskms://x"


def test_a_stacks_region_is_what_its_file_says(folder):
    assert region(folder, "staging") == settings_of_staging(folder)["aws:region"]
    with pytest.raises(StackError, match=r"Pulumi\.nowhere\.yaml"):
        region(folder, "nowhere")


def settings_of_staging(folder):
    return yaml.safe_load((folder / "Pulumi.staging.yaml").read_text())["config"]
