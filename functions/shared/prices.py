"""What SageMaker's machines cost by the hour.

US dollars, on demand, without tax. GPU families g5, g6 and g6e: us-west-2, component Training, from AWS's
Price List API as public code carried it in August 2026; us-east-1 had the same figures. g4dn, m5 and c5:
us-east-1, public price tables of 2024 to 2026. c6i and m6i: SageMaker asks for c5 and m5 what these types
cost too (their EC2 prices are equal, and SageMaker adds a fifth to both). Processing and training cost the
same for every type here. Prices differ by region, by a third and more: `spaceport:machinePrices` overrides
them.

Managed spot training has no price of its own: SageMaker bills fewer seconds at the price on demand
(`BillableTimeInSeconds` below `TrainingTimeInSeconds`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

USD_PER_HOUR: Mapping[str, float] = {
    "ml.m5.large": 0.115,
    "ml.m5.xlarge": 0.23,
    "ml.m5.2xlarge": 0.461,
    "ml.m5.4xlarge": 0.922,
    "ml.m6i.xlarge": 0.23,
    "ml.m6i.2xlarge": 0.461,
    "ml.m6i.4xlarge": 0.922,
    "ml.c5.xlarge": 0.204,
    "ml.c5.2xlarge": 0.408,
    "ml.c5.4xlarge": 0.816,
    "ml.c5.9xlarge": 1.836,
    "ml.c6i.xlarge": 0.204,
    "ml.c6i.2xlarge": 0.408,
    "ml.c6i.4xlarge": 0.816,
    "ml.c6i.8xlarge": 1.632,
    "ml.g4dn.xlarge": 0.736,
    "ml.g4dn.2xlarge": 0.94,
    "ml.g4dn.4xlarge": 1.505,
    "ml.g5.xlarge": 1.408,
    "ml.g5.2xlarge": 1.515,
    "ml.g5.4xlarge": 2.03,
    "ml.g5.8xlarge": 3.06,
    "ml.g6.xlarge": 1.127,
    "ml.g6.2xlarge": 1.222,
    "ml.g6.4xlarge": 1.654,
    "ml.g6.8xlarge": 2.518,
    "ml.g6e.xlarge": 2.61,
    "ml.g6e.2xlarge": 2.80,
    "ml.g6e.4xlarge": 3.76,
    "ml.g6e.8xlarge": 5.66,
}
SECONDS_PER_HOUR = 3600
CENT_DIGITS, EXACT_DIGITS = 2, 6
"""Digits of an amount of dollars as people read it, and as it is kept to be added up."""


@dataclass(frozen=True)
class Prices:
    """Prices by machine.

    Attributes:
        usd_per_hour: By SageMaker's name of the machine.
    """

    usd_per_hour: Mapping[str, float]

    @classmethod
    def with_overrides(cls, overrides: str) -> "Prices":
        """Take the known prices, and others where a stack says so.

        Args:
            overrides: A JSON object from machines to US dollars per hour.

        Raises:
            ValueError: It is none.
        """
        given = json.loads(overrides)
        if not isinstance(given, dict):
            raise ValueError("prices must be an object from machines to US dollars per hour")  # noqa: TRY004
        return cls({**USD_PER_HOUR, **{str(machine): float(price) for machine, price in given.items()}})

    def usd(self, machine: str | None, seconds: float) -> float | None:
        """Give what a machine costs for some billed seconds; None where its price is not known."""
        price = self.usd_per_hour.get(machine or "")
        return None if price is None else round(price * seconds / SECONDS_PER_HOUR, EXACT_DIGITS)

    def unknown(self, machine: str | None) -> str:
        """Say why a machine's cost is not known."""
        return f"No price is known for {machine or 'the machine'}."
