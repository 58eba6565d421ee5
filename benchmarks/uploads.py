"""How fast a capture uploads: `python -m benchmarks.uploads`.

One run deploys the program into an embedded cloud and sends the same photos twice, several at once: by a
signed-in person through the API (start, PUT, complete of every photo, with SHA-256 of every part), and by
boto3 as multipart uploads straight into the same bucket, with the account's own keys. Sides take turns, a few
photos each, so that whatever else the machine does meets both.
"""

import argparse
import secrets
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from local import client, people
from local.deployed import Deployed, deployed

PHOTOS = 200
PHOTO_BYTES = 5 * 10**6
AT_ONCE = 8
ROUNDS = 5
WANTED = 0.5
"""Of the raw speed."""


Photos = Sequence[tuple[str, Path]]
"""Names and files."""


@dataclass(frozen=True)
class Timed:
    """What one side did in a round, in bytes per second."""

    api: float
    raw: float


def main() -> int:
    """Print the table. Returns the exit code: 1 when the API is slower than wanted."""
    parser = argparse.ArgumentParser(description="Time uploads through the API beside raw ones.")
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--bytes", type=int, default=PHOTO_BYTES)
    parser.add_argument("--at-once", type=int, default=AT_ONCE)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, deployed() as up:
        photos = make_photos(Path(folder), asked.photos, asked.bytes)
        rounds = run(up, photos, asked.at_once)
    api, raw = (statistics.median(getattr(one, side) for one in rounds) for side in ("api", "raw"))
    ratio = statistics.median(one.api / one.raw for one in rounds)
    sys.stdout.write(
        "| photos | MB each | at once | raw S3 MB/s | API MB/s | ratio |\n|---|---|---|---|---|---|\n"
    )
    sys.stdout.write(
        f"| {asked.photos} | {asked.bytes / 1e6:g} | {asked.at_once} | {raw / 1e6:.0f} | {api / 1e6:.0f} "
        f"| {ratio:.2f} |\n"
    )
    return int(ratio < WANTED)


def make_photos(folder: Path, count: int, size: int) -> Photos:
    """Write files of random bytes, so that nothing is the same twice."""
    photos = []
    for number in range(count):
        path = folder / f"DJI_{number:04}.JPG"
        path.write_bytes(secrets.token_bytes(size))
        photos.append((path.name, path))
    return photos


def run(up: Deployed, photos: Photos, at_once: int) -> list[Timed]:
    """Send all photos both ways, a share of them per round; a first share warms both up."""
    addresses = client.Addresses.from_outputs(up.deployment.outputs)
    signed_in = people.sign_in_new(up.cloud.client("cognito-idp"), addresses, "pilot@example.com")
    person = client.Spaceport(addresses, signed_in.token)
    raw = RawUploads(up.cloud.client("s3"), up.deployment.outputs["uploadsBucket"], at_once)
    raw.send(photos[:at_once])
    # As many functions at work as there will be: a first call loads what later ones find loaded.
    for _ in range(2):
        person.upload_capture(photos[: 2 * at_once], at_once=at_once)
    share = len(photos) // ROUNDS
    rounds = []
    for number in range(ROUNDS):
        some = photos[number * share : (number + 1) * share]
        size = sum(path.stat().st_size for _, path in some)
        raw_seconds = seconds(partial(raw.send, some))
        api_seconds = seconds(partial(person.upload_capture, some, at_once=at_once))
        rounds.append(Timed(api=size / api_seconds, raw=size / raw_seconds))
    person.close()
    return rounds


@dataclass(frozen=True)
class RawUploads:
    """Multipart uploads by boto3 alone.

    Attributes:
        s3: An S3 client with the account's own keys.
        bucket: Where they go.
        at_once: How many are on their way at a time.
    """

    s3: Any
    bucket: str
    at_once: int

    def send(self, photos: Photos) -> None:
        """Send photos, each as an upload of one part."""
        with ThreadPoolExecutor(self.at_once) as pool:
            list(pool.map(self._send, [path for _, path in photos]))

    def _send(self, path: Path) -> None:
        place = {"Bucket": self.bucket, "Key": f"raw/{uuid.uuid4()}.jpg"}
        upload = place | {"UploadId": self.s3.create_multipart_upload(**place)["UploadId"]}
        stored = self.s3.upload_part(**upload, PartNumber=1, Body=path.read_bytes())
        parts = {"Parts": [{"PartNumber": 1, "ETag": stored["ETag"]}]}
        self.s3.complete_multipart_upload(**upload, MultipartUpload=parts)


def seconds(work: Callable[[], object]) -> float:
    """Give how long some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
