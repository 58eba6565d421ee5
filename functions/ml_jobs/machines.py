"""What the steps run on."""

import re

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.shared.job_names import COMPRESSOR, SFM, TRAINING

_SIZE = re.compile(r"ml\.(?P<family>[a-z0-9-]+)\.(?:(?P<times>\d*)xlarge|large)")


class Machines(BaseModel):
    """What the steps run on, as the stack tells it.

    Attributes:
        sfm: Machine of the SfM step.
        training: Machines of the 3DGS step, the preferred one first.
        compressor: Machine of the compressor step.
        use_spot: Whether training tries spot machines first.
        spot_wait_seconds: How long it waits for each of them.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    sfm: str
    training: tuple[str, ...]
    compressor: str
    use_spot: bool
    spot_wait_seconds: int

    def of(self, step: str) -> tuple[str, ...]:
        """Give the machines of a step, the preferred one first."""
        return {SFM: (self.sfm,), TRAINING: self.training, COMPRESSOR: (self.compressor,)}[step]


REFERENCE = Machines(
    sfm="ml.c6i.4xlarge",
    training=("ml.g5.2xlarge",),
    compressor="ml.m5.xlarge",
    use_spot=True,
    spot_wait_seconds=1200,
)
"""What a stack has by default, by its config's description."""


def cpus(machine: str) -> int | None:
    """Count a machine's virtual CPUs by the size in its name; None where that says nothing."""
    found = _SIZE.fullmatch(machine)
    if not found:
        return None
    return 2 if found["times"] is None else 4 * int(found["times"] or 1)


def family(machine: str) -> str:
    """Give a machine's family; empty where its name is an odd one."""
    found = _SIZE.fullmatch(machine)
    return found["family"] if found else ""
