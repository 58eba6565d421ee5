"""The REST APIs of the platform: what each serves, and the two steps in which they come to be."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components import routes
from components.api import Api, ApiDefaults
from components.function import Function
from components.routes import Route


@dataclass(frozen=True)
class Offer:
    """What one API offers.

    Attributes:
        description: Of the API.
        output: Name that the stack tells its address by.
        routes: Its routes, preflights left out.
        entry: Path that its published address ends in, for clients that append nothing to it.
    """

    description: str
    output: str
    routes: tuple[Route, ...]
    entry: str = ""


OFFERS: Mapping[str, Offer] = {
    "file-upload-api": Offer("Uploads of photos.", "fileUploadApiUrl", routes.FILE_UPLOAD),
    "projects-api": Offer("Projects.", "projectsApiUrl", routes.PROJECTS, entry="/projects"),
    "drone-path-api": Offer("Flight plans.", "dronePathApiUrl", routes.DRONE_PATH),
    "ml-api": Offer("Jobs, and the opening of links.", "mlApiUrl", routes.ML),
    "invite-v2-api": Offer(
        "Invitations of people with a fixed handle.", "inviteV2ApiUrl", routes.INVITE_V2, entry="/invite"
    ),
    "invite-v3-api": Offer(
        "Invitations of people who choose.", "inviteV3ApiUrl", routes.INVITE_V3, entry="/invite"
    ),
    "waitlist-api": Offer("The waitlist, and feedback.", "waitlistApiUrl", routes.WAITLIST),
}
"""Every API by its logical name."""


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

    def serve(self, functions: Mapping[str, Function]) -> dict[str, pulumi.Output[str]]:
        """Serve every route table, and return the published addresses as the stack tells them. Call it once.

        Args:
            functions: By the name that routes give.
        """
        return {
            offer.output: pulumi.Output.concat(self.by_name[name].serve(offer.routes, functions), offer.entry)
            for name, offer in OFFERS.items()
        }
