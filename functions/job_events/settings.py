"""Settings of the job events function, which EventBridge calls.

What its role must allow (besides logs and X-Ray):

| Action | Resource |
|---|---|
| dynamodb:GetItem, UpdateItem | JOBS_TABLE |
| dynamodb:UpdateItem | PROJECTS_TABLE |
| states:DescribeExecution | the machine's executions (arn:..:execution:<name>:*) |
| states:ListExecutions | STATE_MACHINE_ARN |
| ses:SendEmail | the identity of MAIL_FROM |

Its rules: source `aws.states`, detail-type `Step Functions Execution Status Change`, detail.stateMachineArn
the machine's; source `aws.sagemaker`, detail-types `SageMaker Training Job State Change` and `SageMaker
Processing Job State Change`; and a schedule, for AWS does not promise that every event comes. The function
answers nothing; a failed call is safe to repeat (Lambda repeats an asynchronous call twice).
"""

from functions.shared.settings import EnvSettings


class Settings(EnvSettings):
    """Environment of the job events function."""

    jobs_table: str
    projects_table: str
    mail_from: str
    state_machine_arn: str
