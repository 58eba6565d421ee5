"""Settings of the pipeline steps function, which only the state machine calls.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| s3:ListBucket, for prefixes under jobs/ | ML_BUCKET |
| s3:GetObject | ML_BUCKET/jobs/{jobId}/sfm/report.json, ML_BUCKET/jobs/{jobId}/model/* |
| s3:PutObject (the model's files get their content types) | ML_BUCKET/jobs/{jobId}/model/* |
| dynamodb:UpdateItem | JOBS_TABLE |
| dynamodb:PutItem | LINKS_TABLE |
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the pipeline steps function."""

    ml_bucket: str
    jobs_table: str
    links_table: str
    delivery_url: str
