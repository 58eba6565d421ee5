"""How a file is cut into the parts of a multipart upload; pure arithmetic over S3's limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MIB = 2**20
MAX_PARTS = 10_000
"""Parts of one multipart upload, a limit of S3."""
MIN_PART_BYTES = 5 * MIB
"""What every part but the last must have, a limit of S3."""
USUAL_PART_BYTES = 8 * MIB
"""A drone's photo is one part; a lost connection costs little of an archive."""


@dataclass(frozen=True)
class PartPlan:
    """A file of known size, cut into parts of one length; the last one has the rest.

    Attributes:
        size: Bytes of the file, at least 1.
        part_size: Bytes of every part but the last.
    """

    size: int
    part_size: int

    @classmethod
    def for_size(cls, size: int) -> "PartPlan":
        """Cut a file so that S3 takes it: 8 MiB, or whole MiB enough for 10,000 parts."""
        needed = -(-size // MAX_PARTS)
        return cls(size, max(USUAL_PART_BYTES, -(-needed // MIB) * MIB))

    @property
    def count(self) -> int:
        """How many parts there are."""
        return -(-self.size // self.part_size)

    def length(self, number: int) -> int:
        """Give the bytes of a part; parts count from 1.

        Raises:
            ValueError: The file has no such part.
        """
        if not 1 <= number <= self.count:
            raise ValueError(f"the file has parts 1 to {self.count:,}")
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    def missing(self, stored: Mapping[int, int]) -> list[int]:
        """Say which parts are still to be sent.

        Args:
            stored: Bytes by part number, of the parts that S3 has.

        Returns:
            Their numbers in order. None when the parts add up to the file, however they were cut.
        """
        if sum(stored.values()) == self.size:
            return []
        return [number for number in range(1, self.count + 1) if stored.get(number) != self.length(number)]


def in_words(numbers: Sequence[int], most: int = 10) -> str:
    """Write part numbers for people, runs as `3-7`, cut off after some runs."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    words = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:most]]
    return ", ".join(words) + (" and more" if len(runs) > most else "")
