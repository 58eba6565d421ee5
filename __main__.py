"""Spaceport's infrastructure: reads the settings, builds the components, exports what others need."""

import pulumi

from components.account import Account
from components.adopt import Retention
from components.api import ApiDefaults
from components.api_domain import ApiDomain
from components.apis import Apis
from components.definition import Machines
from components.delivery import Delivery
from components.function import FunctionRuntime
from components.handlers import Handlers
from components.identity import Identity
from components.images import Images
from components.mail import Mail
from components.pipeline import JobEvents, Pipeline
from components.settings import Settings
from components.storage import Storage

settings = Settings.load()
tags = {
    "project": pulumi.get_project(),
    "stack": pulumi.get_stack(),
    "environment": settings.environment,
    "managed-by": "pulumi",
}
account = Account.open(region=settings.region, tags=tags)
opts = pulumi.ResourceOptions(providers=[account.provider])
origins = settings.allowed_origins
log_days = settings.log_retention_days
retention = Retention(ephemeral=settings.ephemeral, adoptions=settings.adopt)

storage = Storage("storage", allowed_origins=origins, retention=retention, opts=opts)
mail = Mail(
    "mail",
    address=settings.mail_from,
    domain=settings.mail_domain,
    account=account,
    ephemeral=settings.ephemeral,
    opts=opts,
)
identity = Identity(
    "identity",
    mails=mail.cognito_mails(address=settings.mail_from, through_ses=settings.cognito_mails_through_ses),
    retention=retention,
    opts=opts,
)
images = Images("images", digests=settings.image_digests, retention=retention, opts=opts)
runs_on = FunctionRuntime(
    "functions",
    runtime=settings.function_runtime,
    architecture=settings.function_architecture,
    log_retention_days=log_days,
    reserved_concurrency=settings.reserved_concurrency,
    opts=opts,
)

# The APIs' addresses come first: the delivery stands before one of them, and functions need its address.
api_defaults = ApiDefaults(
    region=settings.region,
    user_pools=identity.pool_arns,
    allowed_origins=origins,
    stage_name=settings.api_stage_name,
    log_retention_days=log_days,
    retention=retention,
    domain=ApiDomain.where_configured("api-domain", settings.api_domain, opts=opts),
)
apis = Apis.open(defaults=api_defaults, opts=opts)
delivery = Delivery(
    "delivery",
    bucket=storage.ml_bucket,
    links_api=apis.by_name["ml-api"],
    public_key=settings.delivery_public_key,
    url=settings.delivery_url,
    domain=settings.delivery_domain,
    price_class=settings.delivery_price_class,
    allowed_origins=origins,
    opts=opts,
)

handlers = Handlers(
    account=account, runs_on=runs_on, storage=storage, mail=mail, allowed_origins=origins, opts=opts
)
pipeline = Pipeline(
    "pipeline",
    account=account,
    storage=storage,
    images=images,
    steps=handlers.pipeline_steps(delivery_url=delivery.url),
    machines=Machines(
        sfm=settings.processing_instance_type,
        training=settings.training_instance_types,
        compressor=settings.compressor_instance_type,
        use_spot=settings.use_spot,
        max_training_seconds=settings.max_training_minutes * 60,
        spot_wait_seconds=settings.spot_wait_minutes * 60,
    ),
    log_retention_days=log_days,
    opts=opts,
)
job_events = handlers.job_events(state_machine=pipeline.state_machine_arn)
JobEvents("job-changes", pipeline=pipeline, function=job_events, opts=opts)

functions = {
    "file_upload": handlers.file_upload(),
    "projects": handlers.projects(),
    "drone_path": handlers.drone_path(terrain_url=settings.terrain_url),
    "ml_jobs": handlers.ml_jobs(state_machine=pipeline.state_machine_arn),
    "delivery": handlers.delivery(delivery=delivery, private_key_secret=settings.delivery_private_key_secret),
    "invites_v2": handlers.invites("v2", pool=identity.v2, sign_in_url=settings.sign_in_url),
    "invites_v3": handlers.invites("v3", pool=identity.v3, sign_in_url=settings.sign_in_url),
    "waitlist": handlers.waitlist(staff_email=settings.staff_email),
}
addresses = apis.serve(functions)

pulumi.export("fileUploadApiUrl", addresses["file-upload-api"])
pulumi.export("projectsApiUrl", addresses["projects-api"])
pulumi.export("dronePathApiUrl", addresses["drone-path-api"])
pulumi.export("mlApiUrl", addresses["ml-api"])
pulumi.export("inviteV2ApiUrl", addresses["invite-v2-api"])
pulumi.export("inviteV3ApiUrl", addresses["invite-v3-api"])
pulumi.export("waitlistApiUrl", addresses["waitlist-api"])
pulumi.export("userPoolV2Id", identity.v2.id)
pulumi.export("userPoolV2ClientId", identity.v2.client_id)
pulumi.export("userPoolV3Id", identity.v3.id)
pulumi.export("userPoolV3ClientId", identity.v3.client_id)
pulumi.export("deliveryUrl", delivery.url)
pulumi.export("deliveryDomainName", delivery.domain_name)
pulumi.export("uploadsBucket", storage.uploads_bucket.name)
pulumi.export("mlBucket", storage.ml_bucket.name)
pulumi.export("stateMachineArn", pipeline.state_machine_arn)
pulumi.export("mailDkimTokens", mail.dkim_tokens)
