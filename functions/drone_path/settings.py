"""Settings of the flight planner.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, PutItem, UpdateItem, DeleteItem | FLIGHT_PATHS_TABLE |
| dynamodb:Query | FLIGHT_PATHS_TABLE/index/owner-index |
| dynamodb:UpdateItem | PROJECTS_TABLE |
| s3:GetObject, s3:PutObject | ML_BUCKET/terrain/* |
| s3:ListBucket, for prefixes under terrain/ (a tile not kept yet is then a 404 and not a 403) | ML_BUCKET |

TERRAIN_URL is read over HTTPS, without credentials; TERRAIN_SOURCE says what is there, TERRAIN_FILE a file of
the installation's own below terrain/own/, if it has one.
"""

from typing import Annotated, Literal

from functions.shared.fields import BlankIsNone
from functions.shared.settings import EnvSettings

SourceName = Literal["copernicus", "skadi"]


class Settings(EnvSettings):
    """Environment of the flight planner."""

    flight_paths_table: str
    projects_table: str
    ml_bucket: str
    terrain_source: SourceName
    terrain_url: str
    terrain_file: Annotated[str | None, BlankIsNone()] = None
    allowed_origins: str
