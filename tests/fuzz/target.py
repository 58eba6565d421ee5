"""What is fuzzed: the program in an embedded cloud, with even ground everywhere and one person signed in."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from components.identity import ADMIN_GROUP
from components.offers import OFFERS
from local import client, people
from local.deployed import deployed

TILE_SIDE = 1201


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
        person = people.sign_in_new(
            up.cloud.client("cognito-idp"),
            client.Addresses.from_outputs(outputs),
            "fuzz@example.com",
            group=ADMIN_GROUP,
        )
        yield Target(addresses, person.token)


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
