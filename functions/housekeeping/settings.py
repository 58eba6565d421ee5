"""Settings of the housekeeping function, which other functions ask for what takes long.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, UpdateItem, DeleteItem | PROJECTS_TABLE, JOBS_TABLE |
| dynamodb:GetItem, UpdateItem, DeleteItem, Query | UPLOADS_TABLE |
| dynamodb:DeleteItem | LINKS_TABLE, FLIGHT_PATHS_TABLE |
| dynamodb:UpdateItem | LIMITS_TABLE |
| dynamodb:Query | UPLOADS_TABLE/index/project-index, FLIGHT_PATHS_TABLE/index/project-index |
| dynamodb:Query | JOBS_TABLE/index/project-index, JOBS_TABLE/index/owner-index |
| dynamodb:Query | LINKS_TABLE/index/job-index |
| s3:ListBucket, for prefixes under uploads/ | UPLOADS_BUCKET |
| s3:GetObject, DeleteObject, AbortMultipartUpload | UPLOADS_BUCKET/uploads/* |
| s3:ListBucket, for prefixes under jobs/ and exports/ | ML_BUCKET |
| s3:GetObject | ML_BUCKET/jobs/{jobId}/model/* |
| s3:DeleteObject | ML_BUCKET/jobs/{jobId}/* |
| s3:PutObject, DeleteObject | ML_BUCKET/exports/* |

The function answers nothing; a failed call is safe to repeat (Lambda repeats an asynchronous call twice).
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the housekeeping function."""

    uploads_bucket: str
    ml_bucket: str
    uploads_table: str
    projects_table: str
    jobs_table: str
    links_table: str
    flight_paths_table: str
    limits_table: str
