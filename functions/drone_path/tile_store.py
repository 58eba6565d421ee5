"""Elevation tiles: from the public source once, from our bucket ever after."""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

import urllib3

from functions.drone_path.errors import NoTerrainError, TerrainError
from functions.shared.aws import s3
from functions.shared.observability import logger

PREFIX = "terrain/skadi/"
SOURCE = (
    "AWS Terrain Tiles (SRTM, 3DEP, GMTED2010, ETOPO1 and others): heights about 30 m apart, of the ground, "
    "not of what stands on it"
)
_CONNECT_SECONDS, _READ_SECONDS, _RETRIES = 3.0, 8.0, 1


@cache
def _http() -> urllib3.PoolManager:
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
        retries=urllib3.Retry(total=_RETRIES, redirect=0),
    )


@dataclass(frozen=True)
class TileStore:
    """Tiles of one source.

    Attributes:
        bucket: Where they are kept.
        url: Where they come from, without a trailing slash.
    """

    bucket: str
    url: str

    def fetch(self, name: str) -> bytes:
        """Give a tile's HGT file, packed by gzip.

        Raises:
            NoTerrainError: The source has no such tile.
            TerrainError: The source does not answer.
        """
        key = f"{PREFIX}{name}.hgt.gz"
        try:
            return s3().get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except s3().exceptions.NoSuchKey:
            content = self._download(name)
        s3().put_object(Bucket=self.bucket, Key=key, Body=content, ContentType="application/gzip")
        return content

    def _download(self, name: str) -> bytes:
        try:
            answer = _http().request("GET", f"{self.url}/{name[:3]}/{name}.hgt.gz")
        except urllib3.exceptions.HTTPError as error:
            logger.warning("the source of elevations is away", extra={"error": type(error).__name__})
            raise TerrainError("the source of elevations does not answer") from error
        if answer.status == HTTPStatus.NOT_FOUND:
            raise NoTerrainError("there is no ground there: open sea")
        if answer.status != HTTPStatus.OK:
            logger.warning("the source of elevations refuses", extra={"status": answer.status})
            raise TerrainError("the source of elevations does not answer")
        return answer.data
