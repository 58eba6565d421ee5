"""Settings of the capture check: the upload API asks for it, and the state machine begins with it.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| s3:ListBucket, for prefixes under uploads/ | UPLOADS_BUCKET |
| s3:GetObject | UPLOADS_BUCKET/uploads/* |
| dynamodb:GetItem, UpdateItem | UPLOADS_TABLE |
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the capture check."""

    uploads_bucket: str
    uploads_table: str
