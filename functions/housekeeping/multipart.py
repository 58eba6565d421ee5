"""A file in S3 that is written from front to back, without ever being whole in memory or on a disk."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from functions.shared.aws import s3

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 16 * 2**20
"""S3 takes 10,000 parts: 160 GB."""
PARTS_AT_ONCE = 3


@dataclass
class MultipartWriter:
    """Writes one object; what leaves the context by an error leaves nothing behind.

    It can only be written, not sought: `zipfile` takes that. At most `PARTS_AT_ONCE` parts and the one that
    is being filled are in memory.

    Attributes:
        bucket: The bucket.
        key: The object's key.
        content_type: Its media type.
    """

    bucket: str
    key: str
    content_type: str
    _buffer: bytearray = field(default_factory=bytearray, init=False, repr=False)
    _sent: int = field(default=0, init=False)
    _etags: dict[int, str] = field(default_factory=dict, init=False, repr=False)
    _sending: deque[tuple[int, Future[str]]] = field(default_factory=deque, init=False, repr=False)

    def __enter__(self) -> Self:
        """Start the upload."""
        self._upload_id = s3().create_multipart_upload(
            Bucket=self.bucket, Key=self.key, ContentType=self.content_type
        )["UploadId"]
        self._pool = ThreadPoolExecutor(PARTS_AT_ONCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the object together, or give it up."""
        try:
            if kind is None:
                self._finish()
        except BaseException:
            self._give_up()
            raise
        if kind is not None:
            self._give_up()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take some bytes on; waits while too many parts are under way.

        Raises:
            ClientError: An earlier part was refused.
        """
        self._buffer += data
        while len(self._buffer) >= PART_BYTES:
            self._send(bytes(self._buffer[:PART_BYTES]))
            del self._buffer[:PART_BYTES]
        return len(data)

    def flush(self) -> None:
        """Do nothing: a part is sent when it is full."""

    def _send(self, part: bytes) -> None:
        while len(self._sending) >= PARTS_AT_ONCE:
            self._await_oldest()
        self._sent += 1
        self._sending.append((self._sent, self._pool.submit(self._upload, self._sent, part)))

    def _upload(self, number: int, part: bytes) -> str:
        return s3().upload_part(
            Bucket=self.bucket, Key=self.key, UploadId=self._upload_id, PartNumber=number, Body=part
        )["ETag"]

    def _await_oldest(self) -> None:
        number, sending = self._sending.popleft()
        self._etags[number] = sending.result()

    def _finish(self) -> None:
        if self._buffer or not self._sent:
            self._send(bytes(self._buffer))
        while self._sending:
            self._await_oldest()
        self._pool.shutdown()
        parts: list[CompletedPartTypeDef] = [
            {"ETag": tag, "PartNumber": number} for number, tag in sorted(self._etags.items())
        ]
        s3().complete_multipart_upload(
            Bucket=self.bucket,
            Key=self.key,
            UploadId=self._upload_id,
            MultipartUpload={"Parts": parts},
        )

    def _give_up(self) -> None:
        """Stop; parts under way must be over before, for S3 would keep them."""
        self._pool.shutdown(cancel_futures=True)
        s3().abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=self._upload_id)
