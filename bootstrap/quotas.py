"""The quotas of the machines that a stack's jobs run on: a new account has none of most GPUs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from bootstrap.installation import BootstrapError
from bootstrap.items import Client

SERVICE = "sagemaker"
_OPEN = ("PENDING", "CASE_OPENED")
_NOT_THERE = ("UnknownOperationException", "InvalidAction", "UnknownService")


class NoQuotaServiceError(Exception):
    """There is no Service Quotas where the account is; the message says what to do instead."""


@dataclass(frozen=True)
class Machines:
    """What a stack's jobs run on.

    Attributes:
        training: Types of the training machines.
        processing: Types of the others.
        uses_spot: Whether trainings try spot machines.
        at_once: Jobs that are to run at the same time.
    """

    training: Sequence[str]
    processing: Sequence[str]
    uses_spot: bool
    at_once: int

    @classmethod
    def of(cls, config: Mapping[str, Any], *, at_once: int | None) -> "Machines":
        """Take them from a stack's settings.

        Args:
            config: Settings by their names in Pulumi.yaml.
            at_once: Jobs at the same time; None for what one person may run.

        Raises:
            BootstrapError: No job is to run at all.
        """
        if at_once is not None and at_once < 1:
            raise BootstrapError(f"--jobs is {at_once}, and one job is the least that can run")
        return cls(
            training=tuple(config["trainingInstanceTypes"]),
            processing=tuple(
                dict.fromkeys((config["processingInstanceType"], config["compressorInstanceType"]))
            ),
            uses_spot=bool(config["useSpot"]),
            at_once=at_once or int(config["quotas"]["jobsAtOnce"]),
        )

    @property
    def quotas(self) -> list[str]:
        """Names of the quotas, as AWS has them."""
        kinds = ["training job usage"] + (["spot training job usage"] if self.uses_spot else [])
        return [
            *(f"{machine} for {kind}" for machine in self.training for kind in kinds),
            *(f"{machine} for processing job usage" for machine in self.processing),
        ]


@dataclass(frozen=True)
class Quota:
    """One quota.

    Attributes:
        name: Its name.
        code: AWS's code of it; None where AWS does not know it: the machine is not in the region.
        has: What the account has.
        needs: What the stack needs.
        asked: What has been asked for and not been answered.
    """

    name: str
    code: str | None
    has: float
    needs: int
    asked: float | None = None

    @property
    def is_enough(self) -> bool:
        """Whether the stack's jobs get their machines."""
        return self.has >= self.needs

    @property
    def is_to_be_asked(self) -> bool:
        """Whether to ask for more."""
        return self.code is not None and not self.is_enough and (self.asked or 0) < self.needs

    def __str__(self) -> str:
        """Says it to people."""
        if self.code is None:
            return f"{self.name}: unknown to AWS in this region"
        if self.is_enough:
            return f"{self.name}: {self.has:g}, enough for {self.needs}"
        asked = f", {self.asked:g} asked for and not answered yet" if self.asked else ""
        return f"{self.name}: {self.has:g}, and {self.needs} are needed{asked}"


def look(service_quotas: Client, machines: Machines) -> list[Quota]:
    """Look what the account has.

    Raises:
        NoQuotaServiceError: There is no Service Quotas.
    """
    there = _listed(service_quotas, "list_service_quotas", "Quotas")
    default = _listed(service_quotas, "list_aws_default_service_quotas", "Quotas")
    history = service_quotas.get_paginator("list_requested_service_quota_change_history").paginate(
        ServiceCode=SERVICE
    )
    asked: dict[str, float] = {}
    for page in history:
        for one in page["RequestedQuotas"]:
            if one["Status"] in _OPEN:
                asked[one["QuotaCode"]] = max(asked.get(one["QuotaCode"], 0.0), one["DesiredValue"])
    quotas = []
    for name in machines.quotas:
        code, has = there.get(name) or default.get(name) or (None, 0.0)
        quotas.append(Quota(name, code, has, machines.at_once, asked.get(code or "")))
    return quotas


def ask(service_quotas: Client, quota: Quota) -> None:
    """Ask AWS for what is missing.

    Raises:
        BootstrapError: AWS does not take the request; the message is AWS's.
    """
    try:
        service_quotas.request_service_quota_increase(
            ServiceCode=SERVICE, QuotaCode=quota.code, DesiredValue=float(quota.needs)
        )
    except ClientError as error:
        raise BootstrapError(f"{quota.name}: AWS does not take the request: {error}") from error


def _listed(service_quotas: Client, call: str, key: str) -> dict[str, tuple[str, float]]:
    try:
        pages = list(service_quotas.get_paginator(call).paginate(ServiceCode=SERVICE))
    except EndpointConnectionError as error:
        raise NoQuotaServiceError(_BY_HAND) from error
    except ClientError as error:
        details = error.response["Error"]
        # What is not Service Quotas has no word of its for what is wrong, only HTTP's number.
        if details["Code"] in _NOT_THERE or details["Code"].isdigit():
            raise NoQuotaServiceError(_BY_HAND) from error
        raise
    return {one["QuotaName"]: (one["QuotaCode"], float(one["Value"])) for page in pages for one in page[key]}


_BY_HAND = (
    "Service Quotas is not there, so nobody knows whether jobs get their machines: ask AWS support for the "
    "quotas named in docs/machines.md"
)
