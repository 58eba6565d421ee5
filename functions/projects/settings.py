"""Settings of the projects function.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, PutItem, UpdateItem, DeleteItem, Query | PROJECTS_TABLE |
| dynamodb:Query | UPLOADS_TABLE/index/project-index, FLIGHT_PATHS_TABLE/index/project-index |
| dynamodb:Query | JOBS_TABLE/index/project-index, JOBS_TABLE/index/owner-index |
| s3:ListBucket, for prefixes under uploads/ | UPLOADS_BUCKET |
| s3:ListBucket, for prefixes under jobs/ | ML_BUCKET |
| s3:GetObject (for the addresses of archives) | ML_BUCKET/exports/* |
| lambda:InvokeFunction | HOUSEKEEPING_ARN |
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the projects function."""

    projects_table: str
    uploads_table: str
    jobs_table: str
    flight_paths_table: str
    uploads_bucket: str
    ml_bucket: str
    housekeeping_arn: str
    allowed_origins: str
