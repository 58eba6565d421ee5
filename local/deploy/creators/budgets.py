"""AWS Budgets."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.inputs import Inputs
from local.deploy.kinds import Kind, Registration


class Budget(Kind):
    """A budget with its notifications. The embedded cloud costs nothing, so none is ever sent."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:budgets/budget:Budget",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        name = registration.physical_name(limit=100)
        registration.client("budgets").create_budget(
            AccountId=registration.cloud.account,
            Budget={
                "BudgetName": name,
                "BudgetType": inputs["budgetType"],
                "TimeUnit": inputs["timeUnit"],
                "BudgetLimit": {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]},
                "CostFilters": {one["name"]: one["values"] for one in inputs.get("costFilters", [])},
            },
            NotificationsWithSubscribers=[_notification(one) for one in inputs.get("notifications", [])],
            ResourceTags=registration.tag_list(),
        )
        return f"{registration.cloud.account}:{name}"

    def read(self, registration: Registration) -> dict[str, Any]:
        account, _, name = registration.id.partition(":")
        registration.client("budgets").describe_budget(AccountId=account, BudgetName=name)
        return {"name": name, "accountId": account, "arn": f"arn:aws:budgets::{account}:budget/{name}"}

    def delete(self, registration: Registration) -> None:
        account, _, name = registration.id.partition(":")
        registration.client("budgets").delete_budget(AccountId=account, BudgetName=name)


def _notification(given: Inputs) -> dict[str, Any]:
    addresses = {
        "SNS": given.get("subscriberSnsTopicArns", []),
        "EMAIL": given.get("subscriberEmailAddresses", []),
    }
    return {
        "Notification": {
            "NotificationType": given["notificationType"],
            "ComparisonOperator": given["comparisonOperator"],
            "Threshold": given["threshold"],
            "ThresholdType": given["thresholdType"],
        },
        "Subscribers": [
            {"SubscriptionType": kind, "Address": address}
            for kind, listed in addresses.items()
            for address in listed
        ],
    }
