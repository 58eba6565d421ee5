"""Spaceport's infrastructure: reads the settings, builds the components, exports what others need."""

import pulumi

from components.account import Account
from components.adopt import Retention
from components.api import ApiDefaults
from components.apis import Apis
from components.delivery import Delivery
from components.function import FunctionRuntime
from components.handlers import Handlers
from components.identity import Identity
from components.images import Images
from components.mail import Mail
from components.monitoring import Monitoring
from components.outputs import export
from components.pipeline import JobEvents, Pipeline
from components.settings import Settings
from components.storage import Storage

settings = Settings.load()
account = Account.open(
    region=settings.region,
    environment=settings.environment,
    permissions_boundary=settings.permissions_boundary,
)
opts = pulumi.ResourceOptions(providers=[account.provider])
origins = settings.allowed_origins
retention = Retention(ephemeral=settings.ephemeral, adoptions=settings.adopt)

storage = Storage("storage", allowed_origins=origins, retention=retention, opts=opts)
mail = Mail("mail", address=settings.mail_from, account=account, ephemeral=settings.ephemeral, opts=opts)
cognito_mails = mail.of_cognito(through_ses=settings.cognito_mails_through_ses)
identity = Identity("identity", mails=cognito_mails, retention=retention, opts=opts)
images = Images("images", digests=settings.image_digests, retention=retention, opts=opts)

# The APIs' addresses come first: the delivery stands before one of them, and functions need its address.
api_defaults = ApiDefaults.of(settings, user_pools=identity.pool_arns, retention=retention, opts=opts)
apis = Apis.open(defaults=api_defaults, opts=opts)
delivery = Delivery(
    "delivery",
    bucket=storage.ml_bucket,
    links_api=apis.by_name["ml-api"],
    settings=settings.delivery,
    allowed_origins=origins,
    opts=opts,
)
runs_on = FunctionRuntime(
    "functions", account=account, settings=settings.functions, artifacts=storage.artifacts_bucket, opts=opts
)
handlers = Handlers(
    account=account, runs_on=runs_on, storage=storage, mail=mail, allowed_origins=origins, opts=opts
)
housekeeping = handlers.housekeeping()
steps = handlers.steps(delivery_url=delivery.url)
pipeline = Pipeline(
    "pipeline",
    account=account,
    storage=storage,
    images=images,
    steps=steps,
    machines=settings.machines,
    log_retention_days=settings.log_retention_days,
    opts=opts,
)
job_events = handlers.job_events(pipeline=pipeline)
JobEvents("job-changes", pipeline=pipeline, function=job_events, opts=opts)
functions = {
    "file_upload": handlers.file_upload(capture_check=steps.capture_check, housekeeping=housekeeping),
    "projects": handlers.projects(housekeeping=housekeeping),
    "drone_path": handlers.drone_path(terrain=settings.terrain),
    "user_settings": handlers.user_settings(quotas=settings.quotas),
    "ml_jobs": handlers.ml_jobs(
        pipeline=pipeline, quotas=settings.quotas, delivery_url=delivery.url, housekeeping=housekeeping
    ),
    "delivery": handlers.delivery(delivery=delivery, private_key_secret=settings.delivery.private_key_secret),
    "invites_v2": handlers.invites("v2", pool=identity.v2, sign_in_url=settings.sign_in_url),
    "invites_v3": handlers.invites("v3", pool=identity.v3, sign_in_url=settings.sign_in_url),
    "api_docs": handlers.api_docs(addresses=apis.addresses),
    "waitlist": handlers.waitlist(staff_email=settings.staff_email),
    "webhooks": handlers.webhooks(),
}
addresses = apis.serve(functions)
Monitoring(
    "monitoring",
    account=account,
    recipients=settings.alarm_emails,
    monthly_budget_usd=settings.monthly_budget_usd,
    pipeline=pipeline,
    storage=storage,
    mail=mail,
    functions={**functions, **steps.by_name, "job_events": job_events, "housekeeping": housekeeping},
    apis=apis.by_name,
    opts=opts,
)
export(addresses, identity.outputs, delivery.outputs, storage.outputs, pipeline.outputs, mail.outputs)
