"""What every role of the program may do, written down by hand: to be read beside what its job needs.

Per role, by the name that the program gives it: the thing, and what may be done with it in the words of
`role_probes`. What is not written here must be refused.
"""

IMPLIED = {"abort": "write"}
"""Words that another one contains: whoever may write an object may give up what is half written."""
OWN_LOG, TRACES = "write", {"the account's traces": "send"}
MAIL = {"mail from us": "send", "mail from us with our set": "send"}

MATRIX: dict[str, dict[str, str]] = {
    "file-upload-role": TRACES
    | {
        "file-upload-logs": OWN_LOG,
        "uploads-table": "get put update delete query",
        "uploads-table owner-index": "query",
        "jobs-table owner-index": "query",
        "housekeeping-alias": "invoke",
        "idempotency-table": "get put update delete",
        "uploads-bucket uploads/": "list read write list-parts delete",
        "capture-check-alias": "invoke",
    },
    "capture-check-role": TRACES
    | {
        "capture-check-logs": OWN_LOG,
        "capture-check-dead-letters": "send",
        "uploads-table": "get update",
        "uploads-bucket uploads/": "list read",
    },
    "projects-role": TRACES
    | {
        "projects-logs": OWN_LOG,
        "projects-table": "get put update delete query",
        "uploads-table project-index": "query",
        "flight-paths-table project-index": "query",
        "jobs-table project-index": "query",
        "jobs-table owner-index": "query",
        "uploads-bucket uploads/": "list",
        "ml-bucket jobs/": "list",
        "ml-bucket exports/": "read",
        "housekeeping-alias": "invoke",
    },
    "housekeeping-role": TRACES
    | {
        "housekeeping-logs": OWN_LOG,
        "housekeeping-dead-letters": "send",
        "projects-table": "get update delete",
        "uploads-table": "get update delete query",
        "uploads-table project-index": "query",
        "jobs-table": "get update delete",
        "jobs-table owner-index": "query",
        "jobs-table project-index": "query",
        "flight-paths-table": "delete",
        "flight-paths-table project-index": "query",
        "links-table": "delete",
        "links-table job-index": "query",
        "limits-table": "update",
        "uploads-bucket uploads/": "list read delete abort",
        "ml-bucket jobs/": "list",
        "ml-bucket jobs/*/": "delete",
        "ml-bucket jobs/*/request.json": "delete",
        "ml-bucket jobs/*/sfm/": "delete",
        "ml-bucket jobs/*/sfm/report.json": "delete",
        "ml-bucket jobs/*/3dgs/": "delete",
        "ml-bucket jobs/*/3dgs/checkpoints/progress.json": "delete",
        "ml-bucket jobs/*/model/": "read delete",
        "ml-bucket jobs/*/progress/sfm/": "delete",
        "ml-bucket jobs/*/progress/compressor/": "delete",
        # All that lies in a job's folder, whatever it is called.
        "ml-bucket jobs/*/elsewhere/sfm/": "delete",
        "ml-bucket jobs/*/elsewhere/3dgs/": "delete",
        "ml-bucket jobs/*/elsewhere/model/": "delete",
        "ml-bucket exports/": "list write delete",
    },
    "user-settings-role": TRACES
    | {
        "user-settings-logs": OWN_LOG,
        "settings-table": "get update",
        "limits-table": "update",
        "webhooks-queue": "send",
    },
    "webhooks-role": TRACES
    | {
        "webhooks-logs": OWN_LOG,
        "settings-table": "get update",
        "webhooks-queue": "read delete put-off look",
    },
    "drone-path-role": TRACES
    | {
        "drone-path-logs": OWN_LOG,
        "flight-paths-table": "get put update delete",
        "flight-paths-table owner-index": "query",
        "projects-table": "update",
        "ml-bucket terrain/": "list read write",
    },
    "ml-jobs-role": TRACES
    | {
        "ml-jobs-logs": OWN_LOG,
        "/aws/sagemaker/ProcessingJobs": "look read",
        "/aws/sagemaker/TrainingJobs": "look read",
        "jobs-table": "get put update delete",
        "jobs-table owner-index": "query",
        "links-table": "get put update delete",
        "links-table job-index": "query",
        "idempotency-table": "get put update delete",
        "limits-table": "get update",
        "projects-table": "get",
        "uploads-table": "get",
        "settings-table": "get",
        "uploads-bucket uploads/": "list",
        "ml-bucket jobs/": "list",
        "ml-bucket jobs/*/request.json": "write delete",
        "ml-bucket jobs/*/progress/sfm/": "read",
        "ml-bucket jobs/*/progress/compressor/": "read",
        "ml-bucket jobs/*/sfm/": "read",
        "ml-bucket jobs/*/sfm/report.json": "read",
        "ml-bucket jobs/*/3dgs/": "read",
        "ml-bucket jobs/*/3dgs/checkpoints/progress.json": "read",
        "ml-bucket jobs/*/model/": "read",
        "pipeline-machine": "start follow stop",
        "housekeeping-alias": "invoke",
    },
    "pipeline-steps-role": TRACES
    | {
        "pipeline-steps-logs": OWN_LOG,
        "jobs-table": "update",
        "links-table": "put",
        "ml-bucket jobs/": "list",
        "ml-bucket jobs/*/sfm/report.json": "read",
        "ml-bucket jobs/*/model/": "read write",
    },
    "job-events-role": TRACES
    | MAIL
    | {
        "job-events-logs": OWN_LOG,
        "job-events-dead-letters": "send",
        "jobs-table": "get update",
        "projects-table": "update",
        "settings-table": "get",
        "webhooks-queue": "send",
        "ml-bucket jobs/": "list",
        "ml-bucket jobs/*/sfm/": "tag",
        "ml-bucket jobs/*/sfm/report.json": "tag",
        "ml-bucket jobs/*/3dgs/": "tag",
        "ml-bucket jobs/*/3dgs/checkpoints/progress.json": "tag",
        "ml-bucket jobs/*/progress/sfm/": "tag",
        "ml-bucket jobs/*/progress/compressor/": "tag",
        "pipeline-machine": "list follow",
        "processing jobs": "list follow",
        "training jobs": "list follow",
    },
    "delivery-role": TRACES
    | {
        "delivery-logs": OWN_LOG,
        "links-table": "get",
        "jobs-table": "get",
        "the delivery key": "read",
    },
    "invites-v2-role": TRACES
    | MAIL
    | {"invites-v2-logs": OWN_LOG, "user-pool-v2": "invite", "limits-table": "update"},
    "invites-v3-role": TRACES
    | MAIL
    | {"invites-v3-logs": OWN_LOG, "user-pool-v3": "invite", "limits-table": "update"},
    "api-docs-role": TRACES | {"api-docs-logs": OWN_LOG},
    "waitlist-role": TRACES
    | MAIL
    | {
        "waitlist-logs": OWN_LOG,
        "waitlist-table": "put update",
        "feedback-table": "put",
        "limits-table": "update",
    },
    "pipeline-sfm-role": {
        "/aws/sagemaker/ProcessingJobs": "write make look",
        "metrics in /aws/sagemaker/ProcessingJobs": "put",
        "the account's registry": "log-in",
        "sfm-repository": "pull",
        "uploads-bucket uploads/": "list read",
        "ml-bucket jobs/": "list",
        "ml-bucket jobs/*/sfm/": "write",
        "ml-bucket jobs/*/sfm/report.json": "write",
        "ml-bucket jobs/*/progress/sfm/": "write",
    },
    "pipeline-3dgs-role": {
        "/aws/sagemaker/TrainingJobs": "write make look",
        "metrics in /aws/sagemaker/TrainingJobs": "put",
        "the account's registry": "log-in",
        "3dgs-repository": "pull",
        "ml-bucket jobs/": "list",
        "ml-bucket jobs/*/sfm/": "read",
        "ml-bucket jobs/*/sfm/report.json": "read",
        "ml-bucket jobs/*/3dgs/": "read write",
        "ml-bucket jobs/*/3dgs/checkpoints/progress.json": "read write",
    },
    "pipeline-compressor-role": {
        "/aws/sagemaker/ProcessingJobs": "write make look",
        "metrics in /aws/sagemaker/ProcessingJobs": "put",
        "the account's registry": "log-in",
        "compressor-repository": "pull",
        "ml-bucket jobs/": "list",
        "ml-bucket jobs/*/sfm/report.json": "read",
        "ml-bucket jobs/*/3dgs/": "read",
        "ml-bucket jobs/*/3dgs/checkpoints/progress.json": "read",
        "ml-bucket jobs/*/model/": "write",
        "ml-bucket jobs/*/progress/compressor/": "write",
    },
    "pipeline-machine-role": TRACES
    | {
        "capture-check-alias": "invoke",
        "pipeline-steps-alias": "invoke",
        "processing jobs": "run follow",
        "training jobs": "run follow",
        "pipeline-sfm-role": "pass",
        "pipeline-3dgs-role": "pass",
        "pipeline-compressor-role": "pass",
        "StepFunctionsGetEventsForSageMakerProcessingJobsRule": "look keep",
        "StepFunctionsGetEventsForSageMakerTrainingJobsRule": "look keep",
        "the account's log delivery": "set-up",
    },
}

NO_CALL = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:UpdateLogDelivery",
}
"""Actions that Step Functions takes for itself: no SDK has a call for them."""

NOBODYS = {
    "the account",
    "a stranger's machine",
    "a stranger's queue",
    "a stranger's secret",
    "mail from somebody else",
    "mail from us with another's set",
    # Buckets outside of their folders, and what only the deployment writes.
    "artifacts-bucket /",
    "artifacts-bucket layers/",
    "uploads-bucket /",
    "ml-bucket /",
    # SQS alone fills the one, EventBridge the other.
    "webhooks-dead-letters",
    "mail-events",
    # API Gateway and EventBridge call these, by permissions of their own; Lambda calls one for its queue.
    "api-docs-alias",
    "delivery-alias",
    "drone-path-alias",
    "file-upload-alias",
    "invites-v2-alias",
    "invites-v3-alias",
    "job-events-alias",
    "ml-jobs-alias",
    "projects-alias",
    "user-settings-alias",
    "waitlist-alias",
    "webhooks-alias",
    # Roles of functions and of the machine: none is given away.
    "capture-check-role",
    "api-docs-role",
    "delivery-role",
    "drone-path-role",
    "file-upload-role",
    "housekeeping-role",
    "invites-v2-role",
    "invites-v3-role",
    "job-events-role",
    "ml-jobs-role",
    "pipeline-machine-role",
    "pipeline-steps-role",
    "projects-role",
    "user-settings-role",
    "waitlist-role",
    "webhooks-role",
    # What AWS itself writes, calls and publishes.
    "drone-path-api-access-logs",
    "file-upload-api-access-logs",
    "invite-v2-api-access-logs",
    "invite-v3-api-access-logs",
    "ml-api-access-logs",
    "projects-api-access-logs",
    "waitlist-api-access-logs",
    "pipeline-logs",
    "job-changes-executions-rule",
    "job-changes-jobs-rule",
    "job-changes-look-rule",
    "mail-events-rule",
    "monitoring-alarms-key",
    "monitoring-alarms-topic",
    "metrics in Spaceport",
}
"""Things that no role may touch in any way."""
