"""Elevation: tiles from a public source once and from our bucket ever after; a file of the installation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

import urllib3

from functions.drone_path.errors import NoTerrainError, TerrainError
from functions.drone_path.settings import SourceName
from functions.drone_path.terrain import copernicus, hgt
from functions.drone_path.terrain.survey import SurveyTerrain
from functions.drone_path.terrain.tile import Tile, tile_name
from functions.shared.aws import s3
from functions.shared.observability import logger

FOLDER = "terrain/"
"""Of the ML bucket."""
_CONNECT_SECONDS, _READ_SECONDS, _RETRIES = 3.0, 8.0, 1
_NONE_THERE = (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN)
"""S3 answers 403 for what is not there to whoever may not list the bucket."""


@dataclass(frozen=True)
class Source:
    """A public source of elevation tiles.

    Attributes:
        label: What it is, in words.
        path: Where the tile of a south-western corner lies below its address.
        suffix: Of the files.
        read: Reads the tile of a south-western corner from a file.
    """

    label: str
    path: Callable[[int, int], str]
    suffix: str
    read: Callable[[int, int, bytes], Tile]


def _copernicus_path(south: int, west: int) -> str:
    name = copernicus.file_name(south, west)
    return f"{name}/{name}.tif"


def _skadi_path(south: int, west: int) -> str:
    name = tile_name(south, west)
    return f"{name[:3]}/{name}.hgt.gz"


SOURCES: Mapping[SourceName, Source] = {
    "copernicus": Source(
        "Copernicus DEM GLO-30 (© DLR e.V. 2010-2014 and © Airbus Defence and Space GmbH 2014-2018, provided "
        "under COPERNICUS by the European Union and ESA; all rights reserved): heights about 30 m apart, of "
        "the surface, with the trees and houses on it: take off in the open, where the surface is the ground",
        _copernicus_path,
        ".tif",
        copernicus.read_tile,
    ),
    "skadi": Source(
        "AWS Terrain Tiles (SRTM, 3DEP, GMTED2010, ETOPO1 and others): heights about 30 m apart, of the "
        "ground, not of what stands on it",
        _skadi_path,
        ".hgt.gz",
        hgt.read_tile,
    ),
}


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
        name: The source's name.
    """

    bucket: str
    url: str
    name: SourceName

    @property
    def source(self) -> Source:
        """What they are."""
        return SOURCES[self.name]

    def fetch(self, south: int, west: int) -> Tile:
        """Give the tile of a south-western corner.

        Raises:
            NoTerrainError: The source has no such tile.
            TerrainError: The source does not answer, or with something else.
        """
        key = f"{FOLDER}{self.name}/{tile_name(south, west)}{self.source.suffix}"
        try:
            content = s3().get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except s3().exceptions.NoSuchKey:
            content = self._download(self.source.path(south, west))
            tile = self.source.read(south, west, content)
            s3().put_object(Bucket=self.bucket, Key=key, Body=content)
            return tile
        return self.source.read(south, west, content)

    def _download(self, path: str) -> bytes:
        try:
            answer = _http().request("GET", f"{self.url}/{path}")
        except urllib3.exceptions.HTTPError as error:
            logger.warning("the source of elevations is away", extra={"error": type(error).__name__})
            raise TerrainError("the source of elevations does not answer") from error
        if answer.status in _NONE_THERE:
            raise NoTerrainError("there is no elevation data there, as of the open sea")
        if answer.status != HTTPStatus.OK:
            logger.warning("the source of elevations refuses", extra={"status": answer.status})
            raise TerrainError("the source of elevations does not answer")
        return answer.data


def read_survey(bucket: str, name: str) -> SurveyTerrain:
    """Read an elevation file that people of the installation have put into its bucket.

    Args:
        bucket: The ML bucket.
        name: The file's, below `terrain/own/`.

    Raises:
        TerrainError: It is not there, or no elevation file.
    """
    key = f"{FOLDER}own/{name}"
    try:
        content = s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3().exceptions.NoSuchKey as error:
        logger.error("the installation's elevation file is missing", extra={"key": key})
        raise TerrainError(f"there is no {key}") from error
    return SurveyTerrain(content, name=name)
