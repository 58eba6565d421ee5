"""Photos with the same bytes: uploaded twice, or plain and in an archive."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from functions.capture_check.rules import Photo

_MD5 = re.compile(r'"?[0-9a-f]{32}"?')
"""An ETag that is the content's own digest; one of an upload in parts also depends on the parts."""


def find_copies(photos: Sequence[Photo], starts: Mapping[str, bytes]) -> list[list[Photo]]:
    """Group photos with the same bytes.

    Photos are the same whose sizes and first bytes are, as no two exposures share their time and their
    noise; unless S3's or the archive's digest of the whole says otherwise.

    Args:
        photos: The capture's photos.
        starts: Digests of their first bytes, all of one length, by name; of a photo whose first bytes could
            not be read there is none.

    Returns:
        Groups of two and more, each in the order of names.
    """
    alike: dict[tuple[int, bytes], list[Photo]] = defaultdict(list)
    for photo in sorted(photos, key=lambda photo: photo.name):
        alike[photo.size, starts.get(photo.name) or _digest(photo).encode()].append(photo)
    groups = []
    for group in alike.values():
        digests = {photo.name: _digest(photo) for photo in group}
        packed = {digests[photo.name] for photo in group if photo.packed}
        plain = {digests[photo.name] for photo in group if not photo.packed and _MD5.fullmatch(photo.e_tag)}
        if max(len(packed), len(plain)) <= 1:
            groups.append(group)
            continue
        by_digest: dict[str, list[Photo]] = defaultdict(list)
        for photo in group:
            by_digest[digests[photo.name]].append(photo)
        groups += by_digest.values()
    return [group for group in groups if len(group) > 1]


def _digest(photo: Photo) -> str:
    return f"crc {photo.packed.crc}" if photo.packed else f"etag {photo.e_tag}"
