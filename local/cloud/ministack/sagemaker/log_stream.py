"""A job's output, line by line, in CloudWatch Logs."""

import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, Self

from botocore.exceptions import ClientError

from local.cloud.ministack.sagemaker.jobs import Job
from local.cloud.ministack.sagemaker.transfer import Client

log = logging.getLogger("spaceport.sagemaker")

FLUSH_SECONDS = 0.5
EVENTS_PER_PUT = 1000
LONGEST_LINE = 200_000


class LogStream:
    """Puts what a job's process prints into a log stream, for as long as the context is entered."""

    def __init__(self, logs: Client, job: Job, output: IO[bytes]) -> None:
        """Prepares the stream.

        Args:
            logs: The CloudWatch Logs client of the job's role.
            job: The job.
            output: What its process prints.
        """
        self._logs = logs
        self._group = f"/aws/sagemaker/{job.kind.label}Jobs"
        self._stream = f"{job.name}/algo-1-{int(time.time())}"
        self._output = output
        self._lines: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        self._usable = True
        self._threads = [
            threading.Thread(target=work, daemon=True, name="sagemaker-log")
            for work in (self._read, self._send)
        ]

    def __enter__(self) -> Self:
        """Starts reading."""
        self._usable = self._try("create_log_group", logGroupName=self._group) and self._try(
            "create_log_stream", logGroupName=self._group, logStreamName=self._stream
        )
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Waits until everything printed is in the log."""
        for thread in self._threads:
            thread.join()

    def _read(self) -> None:
        for line in iter(lambda: self._output.readline(LONGEST_LINE), b""):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if text:
                self._lines.put((round(time.time() * 1000), text))
        self._lines.put(None)

    def _send(self) -> None:
        for events in self._batches():
            self._usable = self._usable and self._try(
                "put_log_events", logGroupName=self._group, logStreamName=self._stream, logEvents=events
            )

    def _batches(self) -> Iterator[list[dict[str, Any]]]:
        item = self._lines.get()
        while item is not None:
            batch: list[dict[str, Any]] = []
            deadline = time.monotonic() + FLUSH_SECONDS
            while item is not None and len(batch) < EVENTS_PER_PUT:
                batch.append({"timestamp": item[0], "message": item[1]})
                try:
                    item = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    yield batch
                    item = self._lines.get()
                    break
            else:
                yield batch

    def _try(self, operation: str, **parameters: str | list[dict[str, Any]]) -> bool:
        """Calls CloudWatch Logs; as on AWS, a role that may not log does not fail its job."""
        try:
            with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
                getattr(self._logs, operation)(**parameters)
        except ClientError as error:
            log.warning("%s: no log: %s", self._stream, error)
            # A group that exists may be written by a role that may not make it.
            return operation == "create_log_group"
        return True
