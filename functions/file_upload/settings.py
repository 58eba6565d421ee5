"""Settings of the file upload function.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, PutItem, UpdateItem, DeleteItem, Query | UPLOADS_TABLE |
| dynamodb:Query | UPLOADS_TABLE/index/owner-index, JOBS_TABLE/index/owner-index |
| dynamodb:GetItem, PutItem, UpdateItem, DeleteItem | IDEMPOTENCY_TABLE |
| s3:PutObject, AbortMultipartUpload, ListMultipartUploadParts | UPLOADS_BUCKET/uploads/* |
| s3:GetObject, DeleteObject | UPLOADS_BUCKET/uploads/* |
| s3:ListBucket, for prefixes under uploads/ | UPLOADS_BUCKET |
| lambda:InvokeFunction | CAPTURE_CHECK_ARN, HOUSEKEEPING_ARN |

PutObject also covers the parts and their presigned URLs; ListBucket makes a missing object a 404, not a 403.
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the file upload function."""

    uploads_bucket: str
    uploads_table: str
    jobs_table: str
    housekeeping_arn: str
    capture_check_arn: str
    idempotency_table: str
    allowed_origins: str
