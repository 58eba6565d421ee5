"""The preview: what the program registers, told by name, and what differs between two stacks."""

import json
import re

import pulumi
import pulumi_aws as aws
import pytest

from local.preview import Run, run_program, stack_config
from local.preview.__main__ import main
from local.preview.differences import compare
from local.preview.symbols import symbolic
from local.preview.tree import options_of, short_type, summary, tree

BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
KEY = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----"
ADOPT = {"uploads-bucket": {"id": "old-uploads", "ignoreChanges": ["tags"], "absent": ["cors"]}}


class Album(pulumi.ComponentResource):
    def __init__(self, name, *, rename=None, protect=False, folders=("a", "b")) -> None:
        super().__init__(
            "spaceport:test:Album",
            name,
            None,
            pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-west-2")),
        )
        bucket = aws.s3.Bucket(
            "photos",
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=protect,
                aliases=[pulumi.Alias(name=rename)] if rename else None,
            ),
        )
        aws.s3.BucketPolicy(
            "photos-policy",
            bucket=bucket.bucket,
            policy=pulumi.Output.json_dumps(
                {"Resource": [pulumi.Output.concat(bucket.arn, f"/{folder}") for folder in folders]}
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
        pulumi.export("arn", bucket.arn)


def run(**given: str | bool | tuple[str, ...]) -> Run:
    return symbolic(run_program({}, stack="test", program=lambda: Album("album", **given)))


def shown(lines):
    return "\n".join(line.plain for line in lines)


def test_outputs_are_shown_by_name_wherever_they_went():
    policy = run().one(POLICY, "photos-policy")
    assert policy.inputs["bucket"] == "${photos.bucket}"
    assert json.loads(policy.inputs["policy"])["Resource"] == ["${photos.arn}/a", "${photos.arn}/b"]
    assert run().outputs == {"arn": "${photos.arn}"}


def test_what_the_program_gave_itself_is_no_output():
    def program():
        provider = aws.Provider("aws", region="us-west-2")
        opts = pulumi.ResourceOptions(provider=provider)
        identity = aws.sesv2.EmailIdentity("mail", email_identity="spaceport.example", opts=opts)
        pulumi.export("page", "https://spaceport.example")
        pulumi.export("identity", identity.arn)

    outputs = symbolic(run_program({}, stack="test", program=program)).outputs
    assert outputs == {"page": "https://spaceport.example", "identity": "${mail.arn}"}


def test_an_output_inside_an_output_is_shown_by_its_place():
    def program():
        opts = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-west-2"))
        identity = aws.sesv2.EmailIdentity("mail", email_identity="spaceport.example", opts=opts)
        pulumi.export("records", identity.dkim_signing_attributes.tokens)

    records = symbolic(run_program({}, stack="test", program=program)).outputs["records"]
    assert records[0] == "${mail.dkimSigningAttributes.tokens[0]}"


def test_runs_of_the_same_program_do_not_differ():
    differences = compare(run(), run())
    assert not any((differences.only_ours, differences.only_theirs, differences.changed, differences.outputs))


def test_a_value_that_differs_is_told_with_its_place_in_the_document():
    (changed,) = compare(run(), run(folders=("new", "a", "c"))).changed
    assert changed.resource.name == "photos-policy"
    told = {(one.path, one.ours, one.theirs) for one in changed.inputs}
    assert told == {
        ("policy.Resource[0]", None, "${photos.arn}/new"),
        ("policy.Resource[1]", "${photos.arn}/b", "${photos.arn}/c"),
    }


def test_an_option_that_differs_is_told():
    (changed,) = compare(run(), run(protect=True)).changed
    (option,) = changed.options
    assert (changed.resource.name, changed.inputs) == ("photos", ())
    assert (option.path, option.ours, option.theirs) == ("protect", None, "protect")


def test_what_only_one_run_has_is_told():
    def more():
        Album("album")
        aws.s3.Bucket(
            "videos", opts=pulumi.ResourceOptions(provider=aws.Provider("other", region="eu-west-1"))
        )

    more_run = symbolic(run_program({}, stack="test", program=more))
    assert {one.name for one in compare(more_run, run()).only_ours} == {"videos", "other"}
    assert {one.name for one in compare(run(), more_run).only_theirs} == {"videos", "other"}


def test_the_tree_nests_resources_in_their_component_and_marks_their_options():
    lines = shown(tree(run(protect=True))).splitlines()
    album = next(number for number, line in enumerate(lines) if "album" in line)
    assert re.search(r"album +Album +2 resources", lines[album])
    assert re.search(r"photos +s3\.Bucket +\[protect\]", lines[album + 1])
    assert lines[album + 1].index("photos") > lines[album].index("album")
    assert len(lines) == len(run().registrations)


def test_an_earlier_name_is_told_and_the_sdks_own_aliases_are_not():
    plain = run().one(BUCKET, "photos")
    assert plain.aliases, "the SDK gives buckets an alias of an earlier type"
    assert "aliases" not in options_of(plain)
    renamed = run(rename="pictures").one(BUCKET, "photos")
    assert options_of(renamed)["aliases"] == f"was spaceport:test:Album${BUCKET}::pictures"


@pytest.mark.parametrize(
    ("token", "short"),
    [
        ("aws:s3/bucket:Bucket", "s3.Bucket"),
        ("awsx:ecr:Image", "awsx.ecr.Image"),
        ("spaceport:storage:Storage", "Storage"),
        ("pulumi:providers:aws", "Provider"),
    ],
)
def test_types_are_short(token, short):
    assert short_type(token) == short


@pytest.fixture(scope="module")
def prod() -> Run:
    config = stack_config("prod", {"spaceport:deliveryPublicKey": KEY, "spaceport:adopt": ADOPT})
    return symbolic(run_program(config, stack="prod"))


def test_the_summary_counts_everything_once(prod: Run):
    text = shown(summary(prod))
    parts = re.split(r"\n?^(?=[A-Z])", text, flags=re.MULTILINE)
    by_component = next(part for part in parts if part.startswith("Resources by component"))
    counted = sum(int(line.split()[-1]) for line in by_component.splitlines()[1:] if line.strip())
    resources = [one for one in prod.registrations if not one.type.startswith("spaceport:")]
    (providers,) = [1 for one in resources if one.type.startswith("pulumi:providers:")]
    assert counted + providers == len(resources)
    components = len(prod.registrations) - len(resources)
    assert f"{len(resources)} resources in {components} components" in text
    assert f"{sum(one.protect for one in resources)} protected" in text


def test_adoptions_are_listed(prod: Run):
    text = shown(summary(prod))
    imported = [one for one in prod.registrations if one.import_id]
    assert len(re.findall(r"from old-uploads", text)) == len(imported) > 1
    assert re.search(r"uploads-bucket +from old-uploads +ignore tags", text)


def test_the_command_prints_the_tree_without_control_codes_or_broken_lines(capsys):
    assert main(["staging"]) == 0
    out, err = capsys.readouterr()
    assert "\033" not in out
    assert "staging: spaceport:deliveryPublicKey is a stand-in" in err
    tree, _, _ = out.partition("\nOutputs\n")
    longest = max(tree.splitlines(), key=len)
    assert len(longest) > 80
    assert re.search(r" [a-z0-9]+\.[A-Z]\w+( +\[.*\])?$", longest)


def test_the_command_shows_what_a_branch_stack_lacks(capsys):
    assert main(["staging", "--config", "ephemeral=true", "--against", "staging"]) == 0
    out, _ = capsys.readouterr()
    lacking = re.search(r"^Only in staging: \d+\n((?:  .*\n)+)", out, re.MULTILINE)
    assert {line.split()[0] for line in lacking[1].splitlines()} == {
        "mail-domain",
        "monitoring-budget",
        "monitoring-budget-monthly",
    }
    assert re.search(r"Options that differ: [1-9]", out)
    _, _, outputs = out.partition("Outputs that differ: ")
    assert set(re.findall(r"^ {4}(\w+)", outputs, re.MULTILINE)) == {"mailDkimTokens"}


def test_an_unknown_stack_is_told_which_there_are(capsys):
    assert main(["prud"]) == 1
    assert re.search(r"no stack prud.*local, prod, staging", capsys.readouterr().err)


def test_an_unusable_config_is_told_whole(capsys):
    assert main(["prod", "-c", "useSpot=maybe", "-c", "mailFrom=nobody"]) == 1
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert "spaceport:useSpot" in told
    assert "spaceport:mailFrom" in told


def test_a_key_that_the_program_does_not_know_is_named(capsys):
    assert main(["prod", "-c", "useSopt=true"]) == 1
    assert "spaceport:useSopt" in capsys.readouterr().err


def test_a_dump_has_everything_for_programs(capsys):
    assert main(["prod", "--json"]) == 0
    dumped = json.loads(capsys.readouterr().out)
    urns = [one["urn"] for one in dumped["registrations"]]
    assert urns == sorted(urns)
    machine = next(one for one in dumped["registrations"] if one["name"] == "pipeline-machine")
    assert machine["inputs"]["roleArn"] == "${pipeline-machine-role.arn}"
    assert "stateMachineArn" in dumped["outputs"]
