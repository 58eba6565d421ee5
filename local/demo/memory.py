"""The most memory that a process and all it started have held at once."""

import os
import threading
from types import TracebackType
from typing import Self

import psutil

SECONDS_BETWEEN_SAMPLES = 0.5


class PeakMemory:
    """Samples the resident memory of this process and its descendants while it is entered.

    Attributes:
        peak_bytes: The largest sum seen; memory that processes share counts once for each.
    """

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        me = psutil.Process(os.getpid())
        while not self._stop.wait(SECONDS_BETWEEN_SAMPLES):
            total = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.peak_bytes = max(self.peak_bytes, total)
