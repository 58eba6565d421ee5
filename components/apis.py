"""The REST APIs of the platform: what each serves, and the two steps in which they come to be."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.api import Api, ApiDefaults
from components.function import Function
from components.offers import OFFERS


@dataclass(frozen=True)
class Apis:
    """All APIs. Their addresses come first: functions, and what stands before an API, need them.

    Attributes:
        by_name: Each by its logical name.
    """

    by_name: Mapping[str, Api]

    @classmethod
    def open(cls, *, defaults: ApiDefaults, opts: pulumi.ResourceOptions) -> "Apis":
        """Make the APIs with nothing in them.

        Args:
            defaults: What they have in common.
            opts: Options of each.
        """
        return cls(
            {
                name: Api(name, description=offer.description, defaults=defaults, opts=opts)
                for name, offer in OFFERS.items()
            }
        )

    @property
    def addresses(self) -> dict[str, pulumi.Output[str]]:
        """Where the routes of each API are, by its logical name; known before anything is served."""
        return {name: api.address for name, api in self.by_name.items()}

    def serve(self, functions: Mapping[str, Function]) -> dict[str, pulumi.Output[str]]:
        """Serve every route table, and return the published addresses as the stack tells them. Call it once.

        Args:
            functions: By the name that routes give.
        """
        return {
            offer.output: pulumi.Output.concat(self.by_name[name].serve(offer.routes, functions), offer.entry)
            for name, offer in OFFERS.items()
        }
