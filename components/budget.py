"""What a stack may cost in a month."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.account import COST_TAG, Account
from components.alarm_topic import AlarmTopic
from components.base import Component

ACTUAL_PERCENT = 80
FORECAST_PERCENT = 100


class Budget(Component):
    """A monthly budget over what bears the stack's cost tag.

    It counts nothing before the tag is activated for cost allocation, once per account (docs/alarms.md).
    """

    TYPE: ClassVar[str] = "spaceport:budget:Budget"

    def __init__(
        self,
        name: str,
        *,
        account: Account,
        monthly_usd: int,
        topic: AlarmTopic,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the budget.

        Args:
            name: Logical name.
            account: Whose tags say what counts.
            monthly_usd: The limit.
            topic: Told at 80 % of it spent, and when the month's forecast reaches all of it.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        aws.budgets.Budget(
            f"{name}-monthly",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(monthly_usd),
            limit_unit="USD",
            # One tag that is the stack's alone: how Budgets joins several is not documented.
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:{COST_TAG}${account.tags[COST_TAG]}"]}],
            notifications=[
                {
                    "notification_type": kind,
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "comparison_operator": "GREATER_THAN",
                    "subscriber_sns_topic_arns": [topic.arn],
                }
                for kind, percent in (("ACTUAL", ACTUAL_PERCENT), ("FORECASTED", FORECAST_PERCENT))
            ],
            opts=self._child(),
        )
        self.register_outputs({})
