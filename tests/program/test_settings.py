"""The stack's config: valid in every file, and every problem told at once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict

import pytest

from components.settings import TERRAIN_URLS, Quotas, Settings, SettingsError
from functions.drone_path.elevation import SOURCES
from functions.shared.user_settings import QuotaSettings
from local.deploy.config import read_yaml
from local.preview import PROJECT, ROOT, run_program, stack_config

STACKS = ("staging", "prod", "local")
TYPES = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict}
MADE_ELSEWHERE = {
    "staging": {"spaceport:deliveryPublicKey"},
    "prod": {"spaceport:deliveryPublicKey"},
    # The embedded cloud makes its own key and secret.
    "local": {"spaceport:deliveryPublicKey", "spaceport:deliveryPrivateKeySecret"},
}


def schema():
    """The project's config schema by full key."""
    entries = read_yaml(ROOT / "Pulumi.yaml")["config"]
    return {f"{PROJECT}:{key}": entry for key, entry in entries.items() if ":" not in key}


def load_settings(config: Mapping[str, str]) -> Settings:
    loaded: list[Settings] = []
    run_program(config, stack="test", program=lambda: loaded.append(Settings.load()))
    return loaded[0]


@pytest.fixture
def load(bootstrap: dict[str, str]) -> Callable[..., Settings]:
    """Load prod's settings with some values changed; None takes a value away."""

    def load(**changes: str | None) -> Settings:
        config: dict[str, str | None] = {**stack_config("prod", bootstrap)}
        config |= {f"{PROJECT}:{key}": value for key, value in changes.items()}
        return load_settings({key: value for key, value in config.items() if value is not None})

    return load


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_fits_the_schema(stack):
    values = read_yaml(ROOT / f"Pulumi.{stack}.yaml")["config"]
    own = {key: value for key, value in values.items() if key.startswith(f"{PROJECT}:")}
    assert set(own) <= set(schema())
    for key, value in own.items():
        entry = schema()[key]
        assert type(value) is TYPES[entry["type"]], key
        if entry["type"] == "array":
            assert {type(item) for item in value} == {TYPES[entry["items"]["type"]]}, key


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_gives_what_has_no_default(stack):
    required = {key for key, entry in schema().items() if "default" not in entry}
    given = set(read_yaml(ROOT / f"Pulumi.{stack}.yaml")["config"])
    assert required - given == MADE_ELSEWHERE[stack]


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_file_is_named_after_its_environment(stack):
    assert read_yaml(ROOT / f"Pulumi.{stack}.yaml")["config"]["spaceport:environment"] == stack


def test_every_key_is_described_and_typed():
    for key, entry in schema().items():
        assert entry["type"] in TYPES, key
        assert len(entry["description"]) > 20, key


def test_defaults_are_settings_as_they_are(load):
    defaults = {
        key.partition(":")[2]: entry["default"] for key, entry in schema().items() if "default" in entry
    }
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in defaults.items()}
    settings = load(**texts)
    assert settings.machines.max_training_seconds == defaults["maxTrainingMinutes"] * 60
    assert settings.machines.spot_wait_seconds == defaults["spotWaitMinutes"] * 60
    assert settings.machines.training == tuple(defaults["trainingInstanceTypes"])
    assert settings.delivery.url is None
    assert settings.terrain.url == TERRAIN_URLS[defaults["terrainSource"]]
    assert settings.quotas == Quotas(*(defaults["quotas"][name] for name in QUOTA_NAMES))


QUOTA_NAMES = ("jobsAtOnce", "jobsPerDay", "spendPerMonthUsd")


def test_quotas_reach_the_functions_that_look_at_them(bootstrap):
    quotas = dict(zip(QUOTA_NAMES, (3, 17, 450), strict=True))
    run = run_program(stack_config("prod", {**bootstrap, "spaceport:quotas": quotas}), stack="prod")
    looking = [
        one.inputs["environment"]["variables"]
        for one in run.of("aws:lambda/function:Function")
        if "QUOTA_JOBS_AT_ONCE" in one.inputs["environment"]["variables"]
    ]
    assert looking
    for variables in looking:
        read = QuotaSettings.model_validate({name.lower(): value for name, value in variables.items()})
        assert list(asdict(read.default_quotas).values()) == list(quotas.values())


def test_the_sources_of_terrain_are_those_that_the_planner_reads(load):
    assert set(TERRAIN_URLS) == set(SOURCES)
    for source, url in TERRAIN_URLS.items():
        assert load(terrainSource=source).terrain.url == url
    own = load(
        terrainSource="skadi", terrainUrl="https://tiles.example.com/all", terrainFile="barn.tif"
    ).terrain
    assert (own.url, own.file) == ("https://tiles.example.com/all", "barn.tif")


def test_every_problem_is_told_at_once(load):
    with pytest.raises(SettingsError) as caught:
        load(
            environment=None, allowedOrigins='["https://a.example/path"]', mailFrom="nobody", useSpot="maybe"
        )
    told = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 4
    for key in ("environment", "allowedOrigins", "mailFrom", "useSpot"):
        assert f"spaceport:{key}" in told
    assert told.replace("\n", "\n  - ") in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("environment", "Prod!"),
        ("allowedOrigins", "https://app.example.com"),
        ("allowedOrigins", "[]"),
        ("allowedOrigins", '["*"]'),
        ("mailFrom", "models@localhost"),
        ("alarmEmails", None),
        ("alarmEmails", "[]"),
        ("alarmEmails", "operations@example.com"),
        ("alarmEmails", '["operations@example.com", "somebody"]'),
        ("alarmEmails", '["operations@example.com", "operations@example.com"]'),
        ("monthlyBudgetUsd", "0"),
        ("monthlyBudgetUsd", "12.50"),
        ("deliveryPublicKey", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"),
        ("deliveryPrivateKeySecret", None),
        ("apiAddress", "http://127.0.0.1:4566/{id}"),
        ("deliveryUrl", "https://models.example.com/"),
        ("cognitoMailsThroughSes", "later"),
        ("deliveryDomain", "models.example.com"),
        ("deliveryCertificateArn", "arn:aws:acm:us-east-1:123456789012:certificate/1a"),
        ("deliveryPriceClass", "PriceClass_0"),
        ("apiDomain", "api.example.com"),
        ("apiStageName", "pro/d"),
        ("terrainSource", "srtm"),
        ("terrainUrl", "https://tiles.example.com/"),
        ("terrainFile", "../jobs/survey.tif"),
        ("terrainFile", "survey.png"),
        ("functionRuntime", "nodejs22.x"),
        ("functionArchitecture", "riscv"),
        ("processingInstanceType", "c6i.large"),
        ("trainingInstanceTypes", '["ml.g5.2xlarge", 3]'),
        ("trainingInstanceTypes", "[]"),
        ("spotWaitMinutes", "0"),
        ("spotWaitMinutes", "1441"),
        ("maxTrainingMinutes", "0"),
        ("maxTrainingMinutes", "soon"),
        ("machinePrices", "[]"),
        ("machinePrices", '{"g5.2xlarge": 1.5}'),
        ("machinePrices", '{"ml.g5.2xlarge": 0}'),
        ("machinePrices", '{"ml.g5.2xlarge": "1.5"}'),
        ("machinePrices", '{"ml.g5.2xlarge": true}'),
        ("imageDigests", '{"sfm": "sha256:0"}'),
        ("imageDigests", '{"sfm": "latest", "3dgs": "latest", "compressor": "latest"}'),
        ("quotas", None),
        ("quotas", "[]"),
        ("quotas", '{"jobsAtOnce": 2, "jobsPerDay": 10}'),
        ("quotas", '{"jobsAtOnce": 2, "jobsPerDay": 10, "spendPerMonthUsd": 200, "more": 1}'),
        ("quotas", '{"jobsAtOnce": 0, "jobsPerDay": 10, "spendPerMonthUsd": 200}'),
        ("quotas", '{"jobsAtOnce": 2, "jobsPerDay": 10, "spendPerMonthUsd": 0.5}'),
        ("quotas", '{"jobsAtOnce": true, "jobsPerDay": 10, "spendPerMonthUsd": 200}'),
        ("logRetentionDays", "8"),
        ("reservedConcurrency", '{"nobody": 1}'),
        ("reservedConcurrency", '{"ml_jobs": "many"}'),
        ("ephemeral", "yes"),
        ("adopt", "[]"),
        ("adopt", "{not json"),
        ("adopt", '{"my-bucket": {"id": "x"}}'),
        ("adopt", '{"ml-bucket": {"name": "x"}}'),
        ("adopt", '{"ml-bucket": {"id": "x", "ignoreChanges": "tags"}}'),
    ],
)
def test_a_wrong_value_is_told_by_its_key(load, key, value):
    with pytest.raises(SettingsError) as caught:
        load(**{key: value})
    (problem,) = caught.value.problems
    assert f"spaceport:{key}" in problem


@pytest.mark.parametrize(
    ("what", "region", "other"), [("delivery", "us-east-1", "us-west-2"), ("api", "us-west-2", "us-east-1")]
)
def test_a_certificate_is_of_the_region_that_needs_it(load, what, region, other):
    def certificate(place: str) -> dict[str, str]:
        arn = f"arn:aws:acm:{place}:123456789012:certificate/1a"
        return {f"{what}Domain": f"{what}.example.com", f"{what}CertificateArn": arn}

    assert load(**certificate(region))
    with pytest.raises(SettingsError, match=f"in {region}"):
        load(**certificate(other))


def test_a_missing_region_is_told(bootstrap):
    config = stack_config("prod", bootstrap)
    del config["aws:region"]
    with pytest.raises(SettingsError, match="aws:region"):
        load_settings(config)


def test_only_an_ephemeral_stack_may_tell_nobody_and_it_has_no_budget(load):
    assert load(alarmEmails='["a@one.example"]').alarm_emails == ("a@one.example",)
    assert load(monthlyBudgetUsd="12").monthly_budget_usd == 12
    settings = load(alarmEmails="[]", ephemeral="true")
    assert (settings.alarm_emails, settings.monthly_budget_usd) == ((), None)


@pytest.mark.parametrize(("key", "value"), [("alarmEmails", '["somebody"]'), ("monthlyBudgetUsd", "much")])
def test_an_ephemeral_stack_is_told_of_wrong_values_all_the_same(load, key, value):
    with pytest.raises(SettingsError, match=key):
        load(**{key: value, "ephemeral": "true"})


def test_an_ephemeral_stack_adopts_nothing(load):
    adopt = '{"ml-bucket": {"id": "existing"}}'
    assert load(adopt=adopt).adopt["ml-bucket"].id == "existing"
    assert not load(adopt=adopt, ephemeral="true").adopt
