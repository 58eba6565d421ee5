"""Settings of the jobs function.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, PutItem, UpdateItem, DeleteItem | JOBS_TABLE |
| dynamodb:Query | JOBS_TABLE/index/owner-index |
| dynamodb:GetItem | PROJECTS_TABLE |
| lambda:InvokeFunction | HOUSEKEEPING_ARN |
| s3:ListBucket, for prefixes under uploads/ | UPLOADS_BUCKET |
| s3:ListBucket, for prefixes under jobs/ (a missing progress file is then a 404 and not a 403) | ML_BUCKET |
| s3:PutObject, s3:DeleteObject | ML_BUCKET/jobs/{jobId}/request.json |
| s3:GetObject | ML_BUCKET/jobs/{jobId}/progress/*, ML_BUCKET/jobs/{jobId}/3dgs/checkpoints/progress.json |
| states:StartExecution | STATE_MACHINE_ARN |
| states:StopExecution, states:DescribeExecution | the machine's executions (arn:..:execution:<name>:*) |
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the jobs function."""

    uploads_bucket: str
    ml_bucket: str
    projects_table: str
    jobs_table: str
    state_machine_arn: str
    housekeeping_arn: str
    allowed_origins: str
