"""The pipeline: the state machine, what its jobs run as, and who hears of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import grants
from components.account import Account
from components.base import Component, stack_name
from components.bucket import PrivateBucket
from components.definition import Machines, Parts, build_definition, tagged
from components.function import Function
from components.images import Images
from components.storage import JOB, Storage

PROCESSING = "/aws/sagemaker/ProcessingJobs"
TRAINING = "/aws/sagemaker/TrainingJobs"
JOB_LOGS = (PROCESSING, TRAINING)
_EXECUTION_ENDS = "Step Functions Execution Status Change"
_LOOK_EVERY = "rate(5 minutes)"
"""No event tells of a job that goes on and on, and AWS does not promise that every event comes."""
_JOB_CHANGES = ["SageMaker Training Job State Change", "SageMaker Processing Job State Change"]
_RULES_OF_STEP_FUNCTIONS = (
    "rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    "rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule",
)


@dataclass(frozen=True)
class StepFunctions:
    """The functions that the state machine calls.

    Attributes:
        capture_check: Says whether a model can come of a capture.
        pipeline_steps: Does its other own steps.
    """

    capture_check: Function
    pipeline_steps: Function

    @property
    def by_name(self) -> dict[str, Function]:
        """Each by the name of its folder."""
        return {"capture_check": self.capture_check, "pipeline_steps": self.pipeline_steps}


class Pipeline(Component):
    """The state machine with its roles and logs.

    Attributes:
        state_machine_arn: ARN of the state machine.
        job_roles: ARNs of the roles that its SageMaker jobs run as, one per step.
        machines: What its steps run on and for how long.
    """

    TYPE: ClassVar[str] = "spaceport:pipeline:Pipeline"
    state_machine_arn: pulumi.Output[str]
    job_roles: list[pulumi.Output[str]]
    machines: Machines

    def __init__(
        self,
        name: str,
        *,
        account: Account,
        storage: Storage,
        images: Images,
        steps: StepFunctions,
        machines: Machines,
        log_retention_days: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts=opts)
        self._account = account
        self.machines = machines
        uploads, ml = storage.uploads_bucket, storage.ml_bucket
        sfm_role = self._job_role(
            "sfm",
            PROCESSING,
            images.sfm.repository_arn,
            grants.list_objects(uploads.arn, "uploads/"),
            grants.read_objects(uploads.arn, "uploads/*"),
            *_results(ml, "sfm/*", "progress/sfm/*"),
        )
        training_role = self._job_role(
            "3dgs",
            TRAINING,
            images.training.repository_arn,
            grants.read_objects(ml.arn, f"{JOB}/sfm/*", f"{JOB}/3dgs/*"),
            *_results(ml, "3dgs/*"),
        )
        compressor_role = self._job_role(
            "compressor",
            PROCESSING,
            images.compressor.repository_arn,
            grants.read_objects(ml.arn, f"{JOB}/3dgs/*", f"{JOB}/sfm/report.json"),
            *_results(ml, "model/*", "progress/compressor/*"),
        )
        roles = [sfm_role, training_role, compressor_role]
        self.job_roles = [role.arn for role in roles]

        log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name_prefix=f"/aws/vendedlogs/states/{stack_name(name)}-",
            retention_in_days=log_retention_days,
            opts=self._child(),
        )
        machine_role, machine_policy = self._machine_role(steps, roles)
        parts = pulumi.Output.all(
            check_function=steps.capture_check.arn,
            steps_function=steps.pipeline_steps.arn,
            ml_bucket=ml.name,
            sfm_image=images.sfm.uri,
            training_image=images.training.uri,
            compressor_image=images.compressor.uri,
            sfm_role=sfm_role.arn,
            training_role=training_role.arn,
            compressor_role=compressor_role.arn,
        )
        state_machine = aws.sfn.StateMachine(
            f"{name}-machine",
            role_arn=machine_role.arn,
            definition=parts.apply(
                lambda values: json.dumps(tagged(build_definition(Parts(**values), machines), account.tags))
            ),
            logging_configuration={
                "level": "ERROR",
                "include_execution_data": False,
                "log_destination": pulumi.Output.concat(log_group.arn, ":*"),
            },
            tracing_configuration={"enabled": True},
            opts=self._child(depends_on=[machine_policy]),
        )
        self.state_machine_arn = state_machine.arn
        self.register_outputs({"state_machine_arn": self.state_machine_arn})

    @property
    def outputs(self) -> dict[str, pulumi.Output[str]]:
        """What the stack tells of it."""
        return {"stateMachineArn": self.state_machine_arn}

    def _job_role(
        self, step: str, log_group: str, repository: pulumi.Input[str], *abilities: grants.Statement
    ) -> aws.iam.Role:
        role = aws.iam.Role(
            f"{self._name}-{step}-role",
            description=f"What the {step} jobs act as.",
            assume_role_policy=grants.document(grants.trust(grants.SAGEMAKER, account=self._account.id)),
            permissions_boundary=self._account.permissions_boundary,
            opts=self._child(),
        )
        aws.iam.RolePolicy(
            f"{self._name}-{step}-policy",
            role=role.name,
            policy=grants.document(
                grants.log_in_to_registry(),
                grants.pull_image(repository),
                grants.write_job_logs(self._account.log_group(log_group)),
                grants.put_job_metrics(log_group),
                *abilities,
            ),
            opts=self._child(),
        )
        return role

    def _machine_role(
        self, steps: StepFunctions, job_roles: Sequence[aws.iam.Role]
    ) -> tuple[aws.iam.Role, aws.iam.RolePolicy]:
        account = self._account
        role = aws.iam.Role(
            f"{self._name}-machine-role",
            description="What the state machine acts as.",
            assume_role_policy=grants.document(grants.trust(grants.STATES, account=account.id)),
            permissions_boundary=account.permissions_boundary,
            opts=self._child(),
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-machine-policy",
            role=role.name,
            policy=grants.document(
                *(grants.invoke_function(function.arn) for function in steps.by_name.values()),
                grants.run_processing_jobs(account.arn("sagemaker", "processing-job/*")),
                grants.run_training_jobs(account.arn("sagemaker", "training-job/*")),
                grants.hear_of_jobs([account.arn("events", rule) for rule in _RULES_OF_STEP_FUNCTIONS]),
                *(grants.pass_role(job_role.arn, to=grants.SAGEMAKER) for job_role in job_roles),
                grants.deliver_execution_logs(),
                grants.send_traces(),
            ),
            opts=self._child(),
        )
        return role, policy


class JobEvents(Component):
    """The rules that tell a function what changes in the pipeline's executions and jobs, and when to look."""

    TYPE: ClassVar[str] = "spaceport:pipeline:JobEvents"

    def __init__(
        self,
        name: str,
        *,
        pipeline: Pipeline,
        function: Function,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts=opts)
        if function.dead_letters is None:
            raise ValueError(f"{name} needs a function for events")
        rules = {
            "executions": self._rule(
                "executions",
                "Changes of the pipeline's executions.",
                event_pattern=pulumi.Output.json_dumps(
                    {
                        "source": ["aws.states"],
                        "detail-type": [_EXECUTION_ENDS],
                        "detail": {"stateMachineArn": [pipeline.state_machine_arn]},
                    }
                ),
            ),
            "jobs": self._rule(
                "jobs",
                "Changes of the pipeline's jobs.",
                event_pattern=pulumi.Output.json_dumps(
                    {
                        "source": ["aws.sagemaker"],
                        "detail-type": _JOB_CHANGES,
                        # Other stacks of the account have jobs too: ours run as our roles.
                        "detail": {"RoleArn": pipeline.job_roles},
                    }
                ),
            ),
            "look": self._rule("look", "A look at what runs.", schedule_expression=_LOOK_EVERY),
        }
        queue = function.dead_letters
        keeps_lost = aws.sqs.QueuePolicy(
            f"{name}-dead-letters-policy",
            queue_url=queue.url,
            policy=grants.document(grants.take_events(queue.arn, [rule.arn for rule in rules.values()])),
            opts=self._child(),
        )
        for what, rule in rules.items():
            function.allow_calls(f"{name}-{what}", service=grants.EVENTS, source=rule.arn)
            aws.cloudwatch.EventTarget(
                f"{name}-{what}-target",
                rule=rule.name,
                arn=function.arn,
                dead_letter_config={"arn": queue.arn},
                opts=self._child(depends_on=[keeps_lost]),
            )
        self.register_outputs({})

    def _rule(
        self,
        what: str,
        description: str,
        *,
        event_pattern: pulumi.Output[str] | None = None,
        schedule_expression: str | None = None,
    ) -> aws.cloudwatch.EventRule:
        return aws.cloudwatch.EventRule(
            f"{self._name}-{what}-rule",
            description=description,
            event_pattern=event_pattern,
            schedule_expression=schedule_expression,
            opts=self._child(),
        )


def _results(bucket: PrivateBucket, *places: str) -> list[grants.Statement]:
    """Let a job write its results, and list what is in jobs' folders."""
    return [
        grants.list_objects(bucket.arn, "jobs/"),
        grants.write_objects(bucket.arn, *(f"{JOB}/{place}" for place in places)),
    ]
