"""Everything that is added to MiniStack, in order."""

from local.cloud.ministack import (
    alarms,
    api_faults,
    api_gateway,
    api_origin,
    authorized_deployments,
    authorized_resources,
    event_sources,
    executions,
    fault_control,
    lambda_permission,
    lambda_runtime,
    mail_events,
    mail_sender,
    metrics,
    multipart,
    patch_points,
    sagemaker_service,
    task_authorization,
    transport,
)


def install() -> None:
    """Adds all of it.

    Raises:
        PatchPointError: MiniStack is not the version that this was written for.
    """
    patch_points.check_version()
    lambda_runtime.install()
    lambda_permission.install()
    event_sources.install()
    api_origin.install()
    executions.install()
    fault_control.install()
    authorized_deployments.install()
    authorized_resources.install()
    sagemaker_service.install()
    task_authorization.install()
    transport.install()
    mail_sender.install()
    mail_events.install()
    alarms.install()
    metrics.install()
    multipart.install()
    api_gateway.install()
    # Last: it is put before every service that is there.
    api_faults.install()
