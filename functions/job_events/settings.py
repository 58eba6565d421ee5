"""Settings of the job events function, which EventBridge calls.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, UpdateItem | JOBS_TABLE |
| dynamodb:UpdateItem | PROJECTS_TABLE |
| dynamodb:GetItem | SETTINGS_TABLE |
| sqs:SendMessage | WEBHOOK_QUEUE_URL |
| states:ListExecutions | STATE_MACHINE_ARN |
| states:DescribeExecution | the machine's executions (arn:..:execution:<name>:*) |
| sagemaker:DescribeProcessingJob, DescribeTrainingJob | the account's jobs: they are named when they run |
| sagemaker:ListProcessingJobs, ListTrainingJobs | all: lists know no resources |
| s3:ListBucket | ML_BUCKET, below jobs/ |
| s3:PutObjectTagging | ML_BUCKET/jobs/{jobId}/sfm/*, ML_BUCKET/jobs/{jobId}/3dgs/* |
| s3:PutObjectTagging | ML_BUCKET/jobs/{jobId}/progress/* |
| ses:SendEmail | the identity of MAIL_FROM, and MAIL_CONFIGURATION_SET |

Its rules: source `aws.states`, detail-type `Step Functions Execution Status Change`, detail.stateMachineArn
the machine's; source `aws.sagemaker`, detail-types `SageMaker Training Job State Change` and `SageMaker
Processing Job State Change`; and one every five minutes (`Scheduled Event`), on which it looks at what runs.
MACHINE_PRICES is a JSON object of prices that differ from the known ones (`functions/shared/prices.py`).
The stages' figures go into its log in embedded metric format, under METRICS_SERVICE. The function answers
nothing; a failed call is safe to repeat (Lambda repeats an asynchronous call twice).
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the job events function."""

    jobs_table: str
    projects_table: str
    settings_table: str
    webhook_queue_url: str
    state_machine_arn: str
    metrics_service: str
    machine_prices: str
    mail_from: str
    mail_configuration_set: str
    ml_bucket: str
    intermediate_tag: str
