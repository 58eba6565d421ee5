"""The verdict on a capture: figures, and reasons in plain words, from what its photos tell."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from functions.capture_check.copies import find_copies
from functions.capture_check.coverage import Coverage, UnknownCoverageError, estimate
from functions.capture_check.metadata import PhotoFacts
from functions.capture_check.reader import MAX_DECODED_BYTES, MAX_DECODED_PIXELS, Fault, Look, Start, spread
from functions.capture_check.reasons import Level, Reason, count, some_of
from functions.capture_check.rules import MIN_PHOTOS, Photo
from functions.capture_check.sharpness import BLURRED_ABOVE

GOOD_PHOTOS = 20
"""Below, a model has holes wherever something stands in the way."""
MIN_SIDE_PX = 160
"""Of photos that the pipeline takes."""
MAX_PIXELS = 300_000_000
GOOD_MEGAPIXELS = 2.0
GOOD_GPS_SHARE = 0.8
GOOD_FORWARD_OVERLAP = 0.6
GOOD_MEAN_VIEWS = 4.0
MANY_BLURRED = 0.2
"""Share of the sample."""
SAMPLE = 12
LONG_SPAN_HOURS = 24
LISTED = 5
"""Cameras and sizes that the figures list."""


@dataclass(frozen=True)
class Examined:
    """A capture's photos with what was read of them.

    Attributes:
        photos: With content, by name.
        starts: Of each of them.
    """

    photos: Sequence[Photo]
    starts: Sequence[Start]
    copies: list[list[Photo]] = field(init=False)

    def __post_init__(self) -> None:
        digests = {
            photo.name: start.digest
            for photo, start in zip(self.photos, self.starts, strict=True)
            if start.digest is not None
        }
        object.__setattr__(self, "copies", find_copies(self.photos, digests))

    def with_fault(self, fault: Fault) -> list[Photo]:
        """List the photos with a fault."""
        return [p for p, start in zip(self.photos, self.starts, strict=True) if start.fault == fault]

    def told(self) -> list[tuple[Photo, PhotoFacts]]:
        """List the photos whose headers were read."""
        pairs = zip(self.photos, self.starts, strict=True)
        return [(photo, start.facts) for photo, start in pairs if start.facts is not None]

    def of_no_use(self, too: Callable[[PhotoFacts], bool]) -> list[Photo]:
        """List the photos that something is wrong with, by their headers."""
        return [photo for photo, facts in self.told() if too(facts)]

    def repeated(self) -> list[Photo]:
        """List the photos that are copies of one that came before."""
        return [photo for group in self.copies for photo in group[1:]]

    def usable(self) -> list[Photo]:
        """List the photos that the pipeline will take, as far as headers tell."""
        lost = {
            photo.name
            for group in (
                self.with_fault("not_an_image"),
                self.of_no_use(is_too_small),
                self.of_no_use(is_too_large),
                self.repeated(),
            )
            for photo in group
        }
        return [photo for photo in self.photos if photo.name not in lost]

    def sample(self) -> list[Photo]:
        """Choose the photos to decode."""
        usable = {photo.name for photo in self.usable()}
        small_enough = [
            photo
            for photo, facts in self.told()
            if photo.name in usable
            and photo.size <= MAX_DECODED_BYTES
            and facts.width * facts.height <= MAX_DECODED_PIXELS
        ]
        return spread(small_enough, SAMPLE)


def is_too_small(facts: PhotoFacts) -> bool:
    """Tell whether the pipeline leaves a photo out as too small."""
    return min(facts.width, facts.height) < MIN_SIDE_PX


def is_too_large(facts: PhotoFacts) -> bool:
    """Tell whether the pipeline leaves a photo out as too large."""
    return facts.width * facts.height > MAX_PIXELS


def judge(examined: Examined, looks: Sequence[Look]) -> tuple[dict[str, Any], list[Reason]]:
    """Judge a capture by what its photos tell.

    Args:
        examined: The photos.
        looks: At a sample of them.

    Returns:
        Figures, and reasons.
    """
    facts = [facts for _, facts in examined.told()]
    coverage = _coverage(facts)
    figures = {
        "resolution": _resolution(facts),
        "cameras": _cameras(facts),
        "gps": _gps(facts, len(examined.photos)),
        "taken": _taken(facts),
        "copies": len(examined.repeated()),
        "sharpness": _sharpness(looks),
        "coverage": coverage.described() if isinstance(coverage, Coverage) else {"unknown": coverage},
    }
    reasons = [
        *_of_use(examined),
        *_of_faults(examined, looks),
        *_of_resolution(facts),
        *_of_sharpness(looks),
        *_of_places(examined),
        *_of_coverage(coverage),
        *_of_origin(facts),
    ]
    return figures, reasons


def state_of(reasons: Sequence[Reason]) -> str:
    """Give the verdict in a word: passed, warned or refused."""
    levels = {reason.level for reason in reasons}
    return "refused" if "refusal" in levels else "warned" if "warning" in levels else "passed"


def about(
    code: str, photos: Sequence[Photo], what: str, to_do: str, *, level: Level = "warning"
) -> Iterator[Reason]:
    """Give the reason about some photos, if there are any.

    Args:
        code: Its code.
        photos: The photos.
        what: What is wrong with them, to be followed by their names.
        to_do: What to do, a sentence.
        level: Its level.
    """
    if photos:
        names = sorted(photo.name for photo in photos)
        yield Reason(level, code, f"{what} ({count(len(names), 'photo')}): {some_of(names)}. {to_do}", names)


# Figures.


def _resolution(facts: Sequence[PhotoFacts]) -> dict[str, Any]:
    sizes = Counter((one.width, one.height) for one in facts)
    megapixels = [one.megapixels for one in facts]
    return {
        "smallestMegapixels": round(min(megapixels), 2) if megapixels else None,
        "medianMegapixels": round(statistics.median(megapixels), 2) if megapixels else None,
        "sizes": [
            {"width": width, "height": height, "photos": photos}
            for (width, height), photos in sizes.most_common(LISTED)
        ],
    }


def _cameras(facts: Sequence[PhotoFacts]) -> list[dict[str, Any]]:
    cameras = Counter((one.camera, one.focal_35mm) for one in facts if one.camera or one.focal_35mm)
    return [
        {"camera": camera, "focalLength35mm": None if focal is None else round(focal, 1), "photos": photos}
        for (camera, focal), photos in cameras.most_common(LISTED)
    ]


def _gps(facts: Sequence[PhotoFacts], photos: int) -> dict[str, Any]:
    places = [one.place for one in facts if one.place is not None]
    altitudes = sum(place.altitude_m is not None for place in places)
    return {"share": round(len(places) / photos, 3), "altitudeShare": round(altitudes / photos, 3)}


def _taken(facts: Sequence[PhotoFacts]) -> dict[str, Any] | None:
    times = [one.taken_at for one in facts if one.taken_at is not None]
    if not times:
        return None
    first, last = min(times), max(times)
    return {
        "first": first.isoformat(),
        "last": last.isoformat(),
        "seconds": round((last - first).total_seconds()),
        "photos": len(times),
    }


def _sharpness(looks: Sequence[Look]) -> dict[str, Any]:
    blurs = [look.blur for look in looks if look.blur is not None]
    blurred = sum(blur > BLURRED_ABOVE for blur in blurs)
    return {
        "photos": len(blurs),
        "blurred": blurred,
        "share": round(blurred / len(blurs), 3) if blurs else None,
        "medianBlur": round(statistics.median(blurs), 3) if blurs else None,
    }


def _coverage(facts: Sequence[PhotoFacts]) -> Coverage | str:
    try:
        return estimate(facts)
    except UnknownCoverageError as error:
        return str(error)


# Reasons.


def _of_use(examined: Examined) -> Iterator[Reason]:
    usable, all_photos = len(examined.usable()), len(examined.photos)
    if usable >= MIN_PHOTOS:
        if usable < GOOD_PHOTOS:
            yield Reason(
                "warning",
                "FEW_PHOTOS",
                f"This capture has {count(usable, 'photo')} to use: a model will have holes. Take "
                f"{GOOD_PHOTOS} or more that overlap by two thirds.",
            )
        return
    repeated = examined.repeated()
    if usable == 1 and len(repeated) == all_photos - 1:
        yield Reason(
            "refusal",
            "ALL_IDENTICAL",
            f"All {all_photos} photos are the same file: a model needs at least {MIN_PHOTOS} different "
            "photos from different places. Upload the other photos of the flight.",
            [photo.name for photo in examined.photos],
        )
        return
    groups = {
        "no images inside": examined.with_fault("not_an_image"),
        f"smaller than {MIN_SIDE_PX} pixels": examined.of_no_use(is_too_small),
        f"larger than {MAX_PIXELS // 10**6} megapixels": examined.of_no_use(is_too_large),
        "copies of others": repeated,
    }
    causes = [f"{len(group):,} are {what}" for what, group in groups.items() if group]
    lost = [photo.name for group in groups.values() for photo in group]
    yield Reason(
        "refusal",
        "TOO_FEW_USABLE",
        f"Only {usable} of the {all_photos} photos can be used ({', '.join(causes)}); a model needs at least "
        f"{MIN_PHOTOS}. Upload the original photos from the drone's card.",
        lost,
    )


def _of_faults(examined: Examined, looks: Sequence[Look]) -> Iterator[Reason]:
    yield from about(
        "NOT_IMAGES",
        examined.with_fault("not_an_image"),
        "Left out, no JPEG, PNG or TIFF inside",
        "Upload the original.",
    )
    yield from about(
        "DAMAGED_PHOTOS",
        [*examined.with_fault("damaged"), *(look.photo for look in looks if look.damaged)],
        "Damaged or cut off",
        "Copy the original from the drone's card again.",
    )
    yield from about(
        "TOO_SMALL",
        examined.of_no_use(is_too_small),
        f"Left out, smaller than {MIN_SIDE_PX} pixels",
        "Upload originals, not previews.",
    )
    yield from about(
        "TOO_MANY_PIXELS",
        examined.of_no_use(is_too_large),
        f"Left out, more than {MAX_PIXELS // 10**6} megapixels",
        "Upload single photos, not a mosaic.",
    )
    yield from about(
        "COPIES",
        examined.repeated(),
        "Left out, an exact copy of another photo",
        "Look whether other photos are missing instead.",
    )
    yield from about(
        "NO_DETAIL",
        [look.photo for look in looks if not look.damaged and look.blur is None],
        "Nothing to see but one tone",
        "Check the exposure and the lens cap.",
    )
    yield from about(
        "NOT_LOOKED_INTO",
        examined.with_fault("not_told"),
        "Used, but not looked into before they are unpacked",
        "Photos in plain .zip archives or by themselves can be looked into.",
        level="note",
    )


def _of_resolution(facts: Sequence[PhotoFacts]) -> Iterator[Reason]:
    if not facts:
        return
    median = statistics.median(one.megapixels for one in facts)
    if median < GOOD_MEGAPIXELS:
        yield Reason(
            "warning",
            "LOW_RESOLUTION",
            f"The photos have only {median:.1f} megapixels: the model will lack detail. Upload the originals "
            "from the drone's card, not scaled ones.",
        )
    cameras = {(one.camera, *sorted((one.width, one.height))) for one in facts}
    if len(cameras) > 1:
        yield Reason(
            "note",
            "MIXED_CAMERAS",
            "The photos come from several cameras or have several sizes: that works, but colours may differ.",
        )


def _of_sharpness(looks: Sequence[Look]) -> Iterator[Reason]:
    judged = [look for look in looks if look.blur is not None]
    blurred = [look.photo for look in judged if look.blur is not None and look.blur > BLURRED_ABOVE]
    if not blurred:
        return
    many = len(blurred) >= MANY_BLURRED * len(judged)
    yield Reason(
        "warning" if many else "note",
        "BLURRED",
        f"{len(blurred)} of the {len(judged)} photos looked at are blurred. Fly slower, with a shorter "
        "exposure and in better light, and clean the lens.",
        [photo.name for photo in blurred],
    )


def _of_places(examined: Examined) -> Iterator[Reason]:
    told = examined.told()
    without = [photo.name for photo, facts in told if facts.place is None]
    share = 1 - len(without) / len(told) if told else 1.0
    what_to_do = "Upload the originals from the drone's card: edited or sent photos often lose it."
    if told and len(without) == len(told):
        yield Reason(
            "warning",
            "NO_GPS",
            "None of the photos tells where it was taken (GPS), so the model will not know its true size, "
            f"place and north. {what_to_do}",
        )
    elif share < GOOD_GPS_SHARE:
        yield Reason(
            "warning",
            "PARTIAL_GPS",
            f"Only {share:.0%} of the photos tell where they were taken (GPS), so the model's size and place "
            f"will be less sure. {what_to_do}",
            without,
        )
    places = [facts.place for _, facts in told if facts.place is not None]
    if places and not any(place.altitude_m is not None for place in places):
        yield Reason(
            "note",
            "NO_ALTITUDE",
            "The photos tell where they were taken but not how high, so the model's size will be less sure.",
        )


def _of_coverage(coverage: Coverage | str) -> Iterator[Reason]:
    if isinstance(coverage, str):
        yield Reason("note", "COVERAGE_UNKNOWN", f"How much ground is covered is unknown: {coverage}.")
        return
    overlap = coverage.forward_overlap
    if overlap is not None and overlap < GOOD_FORWARD_OVERLAP:
        yield Reason(
            "warning",
            "LOW_OVERLAP",
            f"Each photo shares only about {overlap:.0%} of its ground with the next one. Photos that "
            "overlap by two thirds fit together well: take them closer together, or fly slower or higher.",
        )
    if coverage.mean_views < GOOD_MEAN_VIEWS:
        yield Reason(
            "warning",
            "FEW_VIEWS",
            f"A place on the ground is seen by {coverage.mean_views:.1f} photos on average; {MIN_PHOTOS} are "
            "the least and five or more look good. Fly the rows closer together.",
        )
    if len(coverage.sites) > 1 and coverage.site_distance_m and coverage.sites[1] >= MIN_PHOTOS:
        yield Reason(
            "warning",
            "SEVERAL_PLACES",
            f"The photos seem to be of {count(len(coverage.sites), 'place')}, the two largest about "
            f"{coverage.site_distance_m:,.0f} m apart. A model is of one place: upload one place at a time.",
        )


def _of_origin(facts: Sequence[PhotoFacts]) -> Iterator[Reason]:
    taken = _taken(facts)
    if taken and taken["seconds"] > LONG_SPAN_HOURS * 3600:
        yield Reason(
            "note",
            "TAKEN_OVER_DAYS",
            f"The photos were taken over {taken['seconds'] / 86400:.1f} days: what has moved or changed its "
            "light meanwhile will look blurred.",
        )
