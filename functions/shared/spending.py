"""What a job is expected to take and cost, and what its machines took and cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.shared.prices import EXACT_DIGITS, Prices


class _Kept(BaseModel):
    """Something that is kept in a job's row and told: camelCase outside."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class MachineUse(_Kept):
    """What one SageMaker job took.

    Attributes:
        step: The step that it did.
        order: Order of the SageMaker job among all of its job.
        instance_type: Its machine.
        machine_seconds: How long it had it.
        billed_seconds: What of that is billed: less for a spot machine.
        usd: What that costs; None where the machine's price is not known.
    """

    step: str
    order: int
    instance_type: str | None
    machine_seconds: float
    billed_seconds: float
    usd: float | None


class Span(_Kept):
    """An amount that is not known for sure: seconds or US dollars.

    Attributes:
        low: It would surprise us if it were less.
        likely: What we expect.
        high: It would surprise us if it were more.
    """

    low: float
    likely: float
    high: float


class StepEstimate(_Kept):
    """What a step is expected to take.

    Attributes:
        machine: What it runs on, by preference.
        seconds: How long it has a machine, which is what is billed.
        usd: What that costs; None where a machine's price is not known.
        model_seconds: The likely time before anything was learned from earlier jobs.
    """

    machine: str
    seconds: Span
    usd: Span | None
    model_seconds: float


class Estimate(_Kept):
    """What a job is expected to take and cost, from a moment on.

    Attributes:
        photos: How many photos it was made for.
        megapixels: Of a photo.
        seconds: All steps together, without waiting for machines.
        waiting_seconds: Waiting for machines, which costs nothing.
        usd: All steps together; None where a machine's price is not known.
        usd_reason: Why there is none.
        finishes_at: When the job will probably be done, epoch milliseconds.
        steps: By step, those that the job does.
        learned_from: How many earlier jobs it goes by.
    """

    photos: int
    megapixels: float
    seconds: Span
    waiting_seconds: Span
    usd: Span | None
    usd_reason: str | None = None
    finishes_at: int
    steps: dict[str, StepEstimate]
    learned_from: int = 0

    @property
    def shares(self) -> dict[str, float]:
        """Share of the job's time that each step takes."""
        return {step: one.seconds.likely / self.seconds.likely for step, one in self.steps.items()}


@dataclass(frozen=True)
class StepCost:
    """What a step's machines took.

    Attributes:
        machines: Their types, in the order in which they worked.
        machine_seconds: How long they were had.
        billed_seconds: What of that is billed.
        usd: What that costs; None where a price is not known.
    """

    machines: tuple[str, ...] = ()
    machine_seconds: float = 0.0
    billed_seconds: float = 0.0
    usd: float | None = 0.0

    def plus(self, use: MachineUse) -> "StepCost":
        """Add what another machine took."""
        named = (use.instance_type,) if use.instance_type else ()
        return replace(
            self,
            machines=self.machines + tuple(one for one in named if one not in self.machines),
            machine_seconds=self.machine_seconds + use.machine_seconds,
            billed_seconds=self.billed_seconds + use.billed_seconds,
            usd=None if self.usd is None or use.usd is None else self.usd + use.usd,
        )


@dataclass(frozen=True)
class Cost:
    """What a job's machines cost.

    Attributes:
        usd: Altogether; None where a price is not known.
        reason: Why there is none.
        so_far: Whether more may come.
        upper_bound: Whether it may turn out to be less: a machine still works, and if it is a spot machine,
            SageMaker tells only at its end how much of the time is billed.
        steps: By step.
    """

    usd: float | None
    reason: str | None
    so_far: bool
    upper_bound: bool
    steps: Mapping[str, StepCost]


def cost_of(
    machines: Sequence[MachineUse], running: MachineUse | None, *, so_far: bool, prices: Prices
) -> Cost:
    """Add up what a job's machines took.

    Args:
        machines: Those that have ended.
        running: The one that works now.
        so_far: Whether the job goes on.
        prices: To say what is not known.
    """
    uses = [*machines, *([running] if running else [])]
    steps: dict[str, StepCost] = {}
    for use in uses:
        steps[use.step] = steps.get(use.step, StepCost()).plus(use)
    unpriced = next((use for use in uses if use.usd is None), None)
    usd = None if unpriced else round(sum(use.usd or 0.0 for use in uses), EXACT_DIGITS)
    return Cost(
        usd=usd,
        reason=prices.unknown(unpriced.instance_type) if unpriced else None,
        so_far=so_far,
        upper_bound=running is not None,
        steps=steps,
    )
