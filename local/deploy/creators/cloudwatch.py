"""Amazon CloudWatch: log groups, alarms, dashboards."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, MissingResourceError, Registration, pascal, present


class LogGroup(Kind):
    """A log group with its retention."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudwatch/logGroup:LogGroup",)

    def create(self, registration: Registration) -> str:
        logs = registration.client("logs")
        inputs = registration.inputs
        name = registration.physical_name(limit=512)
        logs.create_log_group(
            logGroupName=name, tags=registration.tags, **inputs.take("kmsKeyId", "logGroupClass")
        )
        if inputs.get("retentionInDays"):
            logs.put_retention_policy(logGroupName=name, retentionInDays=inputs["retentionInDays"])
        inputs.ignore("skipDestroy", because="nothing outlives the embedded cloud")
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        groups = registration.client("logs").describe_log_groups(logGroupNamePrefix=registration.id)[
            "logGroups"
        ]
        for group in groups:
            if group["logGroupName"] == registration.id:
                return {"name": registration.id, "arn": group["arn"].removesuffix(":*")}
        raise MissingResourceError(f"there is no log group {registration.id}")

    def delete(self, registration: Registration) -> None:
        registration.client("logs").delete_log_group(logGroupName=registration.id)


class MetricAlarm(Kind):
    """An alarm on one metric."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudwatch/metricAlarm:MetricAlarm",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        if "metricQueries" in inputs:
            raise ValueError(
                "the embedded cloud loses alarms that compute with several metrics: alarm on one metric"
            )
        name: str = inputs.get("name") or registration.physical_name()
        arguments = pascal(
            inputs.take(
                "comparisonOperator",
                "evaluationPeriods",
                "datapointsToAlarm",
                "metricName",
                "namespace",
                "period",
                "statistic",
                "extendedStatistic",
                "threshold",
                "unit",
                "actionsEnabled",
                "alarmActions",
                "okActions",
                "insufficientDataActions",
                "alarmDescription",
                "treatMissingData",
            ),
            {"okActions": "OKActions"},
        )
        if "dimensions" in inputs:
            dimensions = inputs.whole("dimensions")
            arguments["Dimensions"] = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        registration.client("cloudwatch").put_metric_alarm(
            AlarmName=name, Tags=registration.tag_list(), **arguments
        )
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("cloudwatch").describe_alarms(AlarmNames=[registration.id])[
            "MetricAlarms"
        ]
        if not found:
            raise MissingResourceError(f"there is no alarm {registration.id}")
        return {"name": registration.id, "arn": found[0]["AlarmArn"]}

    def delete(self, registration: Registration) -> None:
        registration.client("cloudwatch").delete_alarms(AlarmNames=[registration.id])


class Dashboard(Kind):
    """A dashboard."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudwatch/dashboard:Dashboard",)

    def create(self, registration: Registration) -> str:
        name = registration.physical_name("dashboardName")
        registration.client("cloudwatch").put_dashboard(
            DashboardName=name, DashboardBody=registration.document("dashboardBody")
        )
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("cloudwatch").get_dashboard(DashboardName=registration.id)
        return {"dashboardName": registration.id, "dashboardArn": found["DashboardArn"]}

    def delete(self, registration: Registration) -> None:
        registration.client("cloudwatch").delete_dashboards(DashboardNames=[registration.id])


class LogMetricFilter(Kind):
    """A metric counted from log lines."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudwatch/logMetricFilter:LogMetricFilter",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        name = registration.physical_name(limit=512)
        transformation = inputs.whole("metricTransformation")
        registration.client("logs").put_metric_filter(
            logGroupName=inputs["logGroupName"],
            filterName=name,
            filterPattern=inputs["pattern"],
            metricTransformations=[
                present(
                    metricName=transformation["name"],
                    metricNamespace=transformation["namespace"],
                    metricValue=transformation["value"],
                    defaultValue=float(transformation["defaultValue"])
                    if "defaultValue" in transformation
                    else None,
                    unit=transformation.get("unit"),
                )
            ],
        )
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("logs").describe_metric_filters(
            logGroupName=registration.inputs["logGroupName"], filterNamePrefix=registration.id
        )["metricFilters"]
        if not found:
            raise MissingResourceError(f"there is no metric filter {registration.id}")
        return {"name": registration.id}

    def delete(self, registration: Registration) -> None:
        registration.client("logs").delete_metric_filter(
            logGroupName=registration.inputs["logGroupName"], filterName=registration.id
        )
