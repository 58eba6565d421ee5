"""Who notices when something is wrong: alarms that reach people, a budget and a dashboard."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import alarms
from components.account import COST_TAG, Account
from components.alarm_topic import AlarmTopic
from components.alarms import Alarm
from components.api import Api
from components.base import Component
from components.budget import Budget
from components.dashboard import Shown, dashboard_body
from components.function import Function
from components.mail import Mail
from components.pipeline import Pipeline
from components.storage import Storage


class Monitoring(Component):
    """Alarms over everything that is handed in, their topic, the month's budget and the dashboard.

    A further function, API, table or queue is watched as soon as it stands in its mapping.

    Attributes:
        topic_arn: ARN of the topic that all alarms tell.
    """

    TYPE: ClassVar[str] = "spaceport:monitoring:Monitoring"
    topic_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        account: Account,
        recipients: Sequence[str],
        monthly_budget_usd: int | None,
        pipeline: Pipeline,
        storage: Storage,
        mail: Mail,
        functions: Mapping[str, Function],
        apis: Mapping[str, Api],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make all of it.

        Args:
            name: Logical name.
            account: Whose metrics and costs.
            recipients: Mail addresses that alarms go to.
            monthly_budget_usd: What a month may cost; None for no budget.
            pipeline: Its executions, and how long its trainings may take.
            storage: Its tables.
            mail: How its mails are received.
            functions: By our names.
            apis: By our names.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        # Mails name the alarm and no account, so the alarm's name says which stack it is of.
        self._stack = account.tags[COST_TAG]
        queues = {
            ours.replace("_", "-"): function.dead_letters.name
            for ours, function in functions.items()
            if function.dead_letters
        }
        topic = AlarmTopic(f"{name}-alarms", account=account, recipients=recipients, opts=self._child())
        if monthly_budget_usd is not None:
            Budget(
                f"{name}-budget",
                account=account,
                monthly_usd=monthly_budget_usd,
                topic=topic,
                opts=self._child(),
            )
        watched = [
            *alarms.of_executions(pipeline.state_machine_arn),
            alarms.of_training(self._stack, pipeline.machines.max_training_seconds),
            *_of_functions(functions),
            *(
                alarm
                for ours, api in apis.items()
                for alarm in alarms.of_api(ours, api.rest_api.name, api.stage_name)
            ),
            *(
                alarm
                for ours, table in storage.tables.items()
                for alarm in alarms.of_table(ours, table.name, storage.indexes[ours])
            ),
            *(alarms.of_dead_letters(ours, queue) for ours, queue in queues.items()),
            *alarms.of_mails(mail.configuration_set.configuration_set_name),
        ]
        made = [self._alarm(alarm, topic) for alarm in watched]
        shown = Shown(
            region=account.region,
            service=self._stack,
            state_machine_arn=pipeline.state_machine_arn,
            functions={ours: function.name for ours, function in functions.items()},
            apis={ours: api.rest_api.name for ours, api in apis.items()},
            tables={ours: table.name for ours, table in storage.tables.items()},
            queues=queues,
            alarms=[alarm.arn for alarm in made],
        )
        aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=self._stack,
            dashboard_body=pulumi.Output.json_dumps(dashboard_body(shown)),
            opts=self._child(),
        )
        self.topic_arn = topic.arn
        self.register_outputs({"topic_arn": self.topic_arn})

    def _alarm(self, alarm: Alarm, topic: AlarmTopic) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{alarm.name}",
            name=f"{self._stack}-{alarm.name}",
            alarm_description=f"{alarm.description} What to do: docs/alarms.md.",
            namespace=alarm.namespace,
            metric_name=alarm.metric,
            dimensions=alarm.dimensions,
            statistic=None if alarm.is_percentile else alarm.statistic,
            extended_statistic=alarm.statistic if alarm.is_percentile else None,
            period=alarm.period_seconds,
            evaluation_periods=alarm.periods,
            comparison_operator="GreaterThanOrEqualToThreshold",
            threshold=alarm.threshold,
            treat_missing_data=alarm.missing_data,
            alarm_actions=[topic.arn],
            ok_actions=[topic.arn] if alarm.tells_recovery else None,
            opts=self._child(),
        )


def _of_functions(functions: Mapping[str, Function]) -> list[Alarm]:
    made: list[Alarm] = []
    for ours, function in functions.items():
        name = ours.replace("_", "-")
        made += alarms.of_function(name, function.name)
        if function.asynchronous:
            made.append(alarms.of_asynchronous_function(name, function.name))
    return made
