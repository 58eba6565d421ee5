"""Settings of the jobs function.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, PutItem, UpdateItem, DeleteItem | JOBS_TABLE, LINKS_TABLE, IDEMPOTENCY_TABLE |
| dynamodb:Query | JOBS_TABLE/index/owner-index, LINKS_TABLE/index/job-index |
| dynamodb:GetItem | PROJECTS_TABLE, SETTINGS_TABLE, UPLOADS_TABLE |
| dynamodb:GetItem, UpdateItem | LIMITS_TABLE |
| lambda:InvokeFunction | HOUSEKEEPING_ARN |
| s3:ListBucket, for prefixes under uploads/ | UPLOADS_BUCKET |
| s3:ListBucket, for prefixes under jobs/ (a missing progress file is then a 404 and not a 403) | ML_BUCKET |
| s3:PutObject, s3:DeleteObject | ML_BUCKET/jobs/{jobId}/request.json |
| s3:GetObject | ML_BUCKET/jobs/{jobId}/progress/*, ML_BUCKET/jobs/{jobId}/sfm/* |
| s3:GetObject | ML_BUCKET/jobs/{jobId}/3dgs/*, ML_BUCKET/jobs/{jobId}/model/* |
| states:StartExecution | STATE_MACHINE_ARN |
| states:StopExecution, states:DescribeExecution | the machine's executions (arn:..:execution:<name>:*) |
| logs:DescribeLogStreams, logs:GetLogEvents | the log groups of SageMaker's jobs |

MACHINES is a JSON object of what the steps run on (`machines.Machines`), MACHINE_PRICES one of prices that
differ from the known ones (`functions/shared/prices.py`).
"""

from functions.shared.user_settings import QuotaSettings


class Settings(QuotaSettings):
    """Environment of the jobs function."""

    uploads_bucket: str
    uploads_table: str
    ml_bucket: str
    projects_table: str
    jobs_table: str
    links_table: str
    limits_table: str
    settings_table: str
    idempotency_table: str
    delivery_url: str
    state_machine_arn: str
    machines: str
    machine_prices: str
    housekeeping_arn: str
    allowed_origins: str
