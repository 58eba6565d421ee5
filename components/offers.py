"""What each REST API offers: pure data."""

from collections.abc import Mapping
from dataclasses import dataclass

from components import routes
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
