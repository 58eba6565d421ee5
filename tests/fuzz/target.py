"""What is fuzzed: the program in an embedded cloud, with even ground everywhere and one person signed in."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from components.identity import ADMIN_GROUP
from components.offers import OFFERS
from local import client
from local.deployed import Deployed, deployed

TILE_SIDE = 1201
_EMAIL, _FIRST_PASSWORD, _PASSWORD = "fuzz@example.com", "Change-Me-1", "Own-Word-1"


@dataclass(frozen=True)
class Target:
    """APIs to be fuzzed.

    Attributes:
        addresses: Where the routes of each API are, by its logical name.
        token: ID token of a person who may invite others.
    """

    addresses: dict[str, str]
    token: str


@contextmanager
def target() -> Iterator[Target]:
    """Deploys the program and signs a person in."""
    with (
        _even_ground() as terrain,
        deployed(settings={"spaceport:terrainSource": "skadi", "spaceport:terrainUrl": terrain}) as up,
    ):
        outputs = up.deployment.outputs
        addresses = {
            name: str(outputs[offer.output]).removesuffix(offer.entry) for name, offer in OFFERS.items()
        }
        yield Target(addresses, _signed_in(up))


def _signed_in(up: Deployed) -> str:
    cognito, addresses = up.cloud.client("cognito-idp"), client.Addresses.from_outputs(up.deployment.outputs)
    cognito.admin_create_user(
        UserPoolId=addresses.user_pool_id,
        Username="fuzz",
        TemporaryPassword=_FIRST_PASSWORD,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": _EMAIL}, {"Name": "email_verified", "Value": "true"}],
    )
    cognito.admin_add_user_to_group(UserPoolId=addresses.user_pool_id, Username="fuzz", GroupName=ADMIN_GROUP)
    return client.sign_in(cognito, addresses, email=_EMAIL, password=_FIRST_PASSWORD, new_password=_PASSWORD)


@contextmanager
def _even_ground() -> Iterator[str]:
    """Serves a tile at sea level for every place, and gives the address."""
    tile = gzip.compress(bytes(2 * TILE_SIDE**2))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(tile)))
            self.end_headers()
            self.wfile.write(tile)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
