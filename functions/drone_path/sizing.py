"""Finds the size of a spiral over real ground, where hills cost time and may be too steep."""

import math
from dataclasses import dataclass, replace

from functions.drone_path.errors import PlanError
from functions.drone_path.mission import Mission, Shape
from functions.drone_path.optimizer import FEWEST_BOUNCES, SMALLEST_GROWTH, STARTS, optimize
from functions.drone_path.plan import Plan
from functions.drone_path.planner import plan_shape
from functions.drone_path.terrain.provider import Terrain
from functions.drone_path.units import feet

REFINEMENTS = 10
CLOSE_ENOUGH = 0.98
"""Share of the usable time, or of a size that does not fit, at which a spiral is not enlarged further."""


def plan_largest(mission: Mission, slices: int, terrain: Terrain) -> Plan:
    """Plan the largest spiral that the batteries can fly over this ground.

    Args:
        mission: What is to be flown; with a battery.
        slices: Batteries.
        terrain: The ground.

    Raises:
        PlanError: Nothing fits; says what would.
        TerrainError: The ground's height cannot be had.
    """
    optimum = optimize(mission, slices)
    search = _Search(mission, terrain)
    found = search.largest(optimum.shape)
    because = optimum.bounces_because
    if found.plan is None:
        sparsest = replace(optimum.shape, spiral=mission.spiral(slices, FEWEST_BOUNCES), start=STARTS[-1])
        found = search.largest(sparsest)
        because = f"over this ground no more than {FEWEST_BOUNCES} bounces fit"
    if found.plan is None:
        raise found.refusal
    limits = (found.refusal.reason, *optimum.limited_by[1:]) if found.refusal.reason else optimum.limited_by
    return replace(found.plan, limited_by=limits, bounces_because=because)


def plan_within(mission: Mission, shape: Shape, terrain: Terrain) -> Plan:
    """Plan a spiral of a given size that its batteries, where the mission has any, must last for.

    Raises:
        PlanError: The size does not fit; says the largest that does.
        TerrainError: The ground's height cannot be had.
    """
    plan = plan_shape(mission, shape, terrain)
    search = _Search(mission, terrain)
    if plan.longest_seconds <= search.usable:
        return plan
    found = search.largest(shape)
    if found.plan is None:
        raise found.refusal
    raise PlanError(
        "rHold",
        f"takes {plan.longest_seconds / 60:.1f} minutes, and the battery with its reserve allows "
        f"{search.usable / 60:.1f}; {math.floor(feet(found.plan.shape.hold))} works",
    )


class _RefusedError(PlanError):
    """Why a size does not fit.

    Attributes:
        reason: What a larger spiral would be limited by; empty where nothing was refused.
    """

    def __init__(self, field: str, sentence: str, reason: str) -> None:
        super().__init__(field, sentence)
        self.reason = reason


_NOTHING = _RefusedError("", "", "")


@dataclass(frozen=True)
class _Found:
    """The largest plan that fits, if any does, and why the next larger one does not."""

    plan: Plan | None
    refusal: _RefusedError


@dataclass(frozen=True)
class _Search:
    mission: Mission
    terrain: Terrain

    @property
    def usable(self) -> float:
        """Seconds that a battery may be flown."""
        return self.mission.battery.usable_seconds if self.mission.battery else math.inf

    def largest(self, shape: Shape) -> _Found:
        """Find the largest spiral of the same bounces, no larger than the given one."""
        low, hold = SMALLEST_GROWTH * shape.start, shape.hold
        high, best, refusal = hold, None, _NOTHING
        for _ in range(REFINEMENTS):
            tried, refused = self._try(replace(shape, hold=hold))
            if tried is not None:
                best, low = tried, hold
            else:
                refusal, high = refused, hold
            used = best.longest_seconds / self.usable if best else 0.0
            if max(used, low / high) >= CLOSE_ENOUGH:
                break
            hold = (low + high) / 2
        if best is None:
            best, refusal = self._try(replace(shape, hold=low))
        return _Found(best, refusal)

    def _try(self, shape: Shape) -> tuple[Plan | None, _RefusedError]:
        try:
            plan = plan_shape(self.mission, shape, self.terrain)
        except PlanError as error:
            return None, _RefusedError(error.field, error.sentence, "terrain")
        if plan.longest_seconds <= self.usable:
            return plan, _NOTHING
        battery = self.mission.battery
        minutes = plan.longest_seconds / 60 / (battery.usable_share if battery else 1)
        return None, _RefusedError(
            "batteryMinutes",
            "over this ground the smallest flight needs a battery of "
            f"{math.ceil(minutes * 10) / 10:.1f} minutes with its reserve",
            "battery",
        )
