"""The quotas of the machines: what is looked at, what is asked for, and what is said where nobody can."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from bootstrap.__main__ import main
from bootstrap.installation import BootstrapError
from bootstrap.quotas import SERVICE, Machines, NoQuotaServiceError, Quota, ask, look
from bootstrap.stack_file import read_stack
from tests.bootstrap.account_kit import AccountKit

MACHINES = Machines(training=["ml.g5.2xlarge"], processing=["ml.m5.xlarge"], uses_spot=True, at_once=3)
ON_DEMAND, SPOT, PROCESSING = MACHINES.quotas


@pytest.fixture
def stub() -> Iterator[Stubber]:
    client: Any = boto3.client(
        "service-quotas", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        yield stub


def answer(stub: Stubber, call: str, *quotas: tuple[str, str, float]) -> None:
    listed = [{"QuotaName": name, "QuotaCode": code, "Value": value} for name, code, value in quotas]
    stub.add_response(call, {"Quotas": listed}, {"ServiceCode": SERVICE})


def asked(stub: Stubber, *requests: tuple[str, str, float]) -> None:
    told = [{"QuotaCode": code, "Status": status, "DesiredValue": value} for code, status, value in requests]
    stub.add_response(
        "list_requested_service_quota_change_history", {"RequestedQuotas": told}, {"ServiceCode": SERVICE}
    )


def test_the_quotas_are_those_of_the_stacks_machines():
    settings = read_stack("prod")
    assert settings
    names = Machines.of(settings, at_once=None).quotas
    for machine in settings["trainingInstanceTypes"]:
        assert f"{machine} for training job usage" in names
        assert f"{machine} for spot training job usage" in names
    for machine in (settings["processingInstanceType"], settings["compressorInstanceType"]):
        assert f"{machine} for processing job usage" in names
    on_demand = Machines.of({**settings, "useSpot": False}, at_once=None).quotas
    assert not [name for name in on_demand if "spot" in name]
    assert len(names) == len(set(names))


def test_jobs_at_once_are_what_one_person_may_run_unless_said():
    settings = read_stack("prod")
    assert settings
    assert Machines.of(settings, at_once=None).at_once == settings["quotas"]["jobsAtOnce"]
    assert Machines.of(settings, at_once=7).at_once == 7
    with pytest.raises(BootstrapError, match="least"):
        Machines.of(settings, at_once=0)


def test_what_the_account_has_counts_before_what_every_account_has(stub: Stubber):
    answer(stub, "list_service_quotas", (ON_DEMAND, "L-1", 5.0))
    answer(stub, "list_aws_default_service_quotas", (ON_DEMAND, "L-1", 0.0), (SPOT, "L-2", 0.0))
    asked(stub, ("L-2", "PENDING", 2.0), ("L-2", "DENIED", 9.0))
    on_demand, spot, processing = look(stub.client, MACHINES)
    assert on_demand.is_enough
    assert not on_demand.is_to_be_asked
    assert (spot.has, spot.asked, spot.is_to_be_asked) == (0.0, 2.0, True)
    assert "2 asked for" in str(spot)
    assert processing.code is None
    assert not processing.is_to_be_asked
    assert "unknown" in str(processing)


def test_what_has_been_asked_for_is_not_asked_for_again():
    quota = Quota(SPOT, "L-2", has=0, needs=3, asked=3)
    assert not quota.is_enough
    assert not quota.is_to_be_asked


def test_it_asks_for_what_is_needed(stub: Stubber):
    expected = {"ServiceCode": SERVICE, "QuotaCode": "L-2", "DesiredValue": 3.0}
    stub.add_response("request_service_quota_increase", {}, expected)
    ask(stub.client, Quota(SPOT, "L-2", has=0, needs=3))
    stub.assert_no_pending_responses()
    stub.add_client_error("request_service_quota_increase", "ResourceAlreadyExistsException", "pending")
    with pytest.raises(BootstrapError, match="pending"):
        ask(stub.client, Quota(SPOT, "L-2", has=0, needs=3))


def test_where_there_is_no_such_service_it_says_so(stub: Stubber):
    stub.add_client_error("list_service_quotas", "UnknownOperationException")
    with pytest.raises(NoQuotaServiceError, match="ask AWS support"):
        look(stub.client, MACHINES)


def test_another_error_is_not_taken_for_a_missing_service(stub: Stubber):
    stub.add_client_error("list_service_quotas", "AccessDeniedException")
    with pytest.raises(stub.client.exceptions.ClientError):
        look(stub.client, MACHINES)


@pytest.mark.cloud
def test_the_embedded_cloud_has_none_and_the_command_says_what_to_ask_for(kit: AccountKit):
    code, said = kit.run("quotas", "--qualifier", "staging")
    assert code == 0
    assert "Service Quotas is not there" in said
    assert "ml.g5.2xlarge for spot training job usage" in said


def command(monkeypatch: pytest.MonkeyPatch, stub: Stubber, *arguments: str) -> None:
    class FakeAccount:
        number, caller = "123456789012", ("arn:aws:iam::123456789012:root",)

        @staticmethod
        def clients(service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
            assert service == "service-quotas"
            return stub.client

    monkeypatch.setattr("bootstrap.__main__.Account.open", lambda *_args, **_more: FakeAccount)
    assert main(["quotas", "--qualifier", "staging", *arguments]) == 0


def test_the_command_asks_only_when_told_to(monkeypatch, stub: Stubber, capsys):
    for more in ((), ("--request-quotas",)):
        answer(stub, "list_service_quotas", ("ml.g5.2xlarge for training job usage", "L-1", 1.0))
        answer(stub, "list_aws_default_service_quotas")
        asked(stub)
        if more:
            stub.add_response(
                "request_service_quota_increase",
                {},
                {"ServiceCode": SERVICE, "QuotaCode": "L-1", "DesiredValue": 4.0},
            )
        command(monkeypatch, stub, "--jobs", "4", *more)
        stub.assert_no_pending_responses()
    said = capsys.readouterr().out
    assert "--request-quotas asks for 4" in said
    assert "asked for 4" in said


@pytest.mark.cloud
def test_a_stack_without_a_file_has_no_machines(kit: AccountKit):
    code, said = kit.run("quotas", "--qualifier", "none", "--region", "us-west-2")
    assert code == 0
    assert "Pulumi.none.yaml" in said
