"""Reading many objects one after the other, small ones some ahead of their turn."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from functions.shared.aws import s3
from functions.shared.export_contents import StoredFile

READS_AT_ONCE = 4
SMALL_BYTES = 16 * 2**20
"""What is read whole; larger objects are streamed."""
CHUNK_BYTES = 2**20


def read_in_turn(files: Iterable[StoredFile]) -> Iterator[tuple[StoredFile, Iterable[bytes]]]:
    """Read objects in the given order, holding at most `READS_AT_ONCE` + 1 small ones.

    Args:
        files: Which.

    Yields:
        Each with its bytes in chunks, to be used up before the next one is asked for.

    Raises:
        ClientError: One is not there any more, or S3 fails.
    """
    pool = ThreadPoolExecutor(READS_AT_ONCE)
    waiting: deque[tuple[StoredFile, Future[bytes] | None]] = deque()
    try:
        for file in files:
            waiting.append((file, pool.submit(_whole, file) if file.size <= SMALL_BYTES else None))
            if len(waiting) > READS_AT_ONCE:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _next(
    waiting: deque[tuple[StoredFile, Future[bytes] | None]],
) -> tuple[StoredFile, Iterable[bytes]]:
    file, read = waiting.popleft()
    return file, _streamed(file) if read is None else (read.result(),)


def _whole(file: StoredFile) -> bytes:
    return s3().get_object(Bucket=file.bucket, Key=file.key)["Body"].read()


def _streamed(file: StoredFile) -> Iterator[bytes]:
    return s3().get_object(Bucket=file.bucket, Key=file.key)["Body"].iter_chunks(CHUNK_BYTES)
