"""Spaceport's infrastructure: reads the settings, builds the components, exports what others need."""

import pulumi

from components import routes
from components.account import Account
from components.adopt import Retention
from components.api import Api, ApiDefaults
from components.definition import Machines
from components.delivery import Delivery
from components.function import FunctionRuntime
from components.handlers import Handlers
from components.identity import Identity
from components.images import Images
from components.mail import Mail
from components.monitoring import Monitoring
from components.pipeline import JobEvents, Pipeline
from components.settings import Settings
from components.storage import Storage

settings = Settings.load()
account = Account.open(region=settings.region, environment=settings.environment)
opts = pulumi.ResourceOptions(providers=[account.provider])
origins = settings.allowed_origins
log_days = settings.log_retention_days
retention = Retention(ephemeral=settings.ephemeral, adoptions=settings.adopt)

storage = Storage("storage", allowed_origins=origins, retention=retention, opts=opts)
identity = Identity("identity", retention=retention, opts=opts)
mail = Mail(
    "mail",
    address=settings.mail_from,
    account=account,
    ephemeral=settings.ephemeral,
    opts=opts,
)
images = Images("images", retention=retention, opts=opts)
runs_on = FunctionRuntime(
    "functions",
    runtime=settings.function_runtime,
    architecture=settings.function_architecture,
    log_retention_days=log_days,
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
)
file_upload_api = Api("file-upload-api", description="Uploads of photos.", defaults=api_defaults, opts=opts)
projects_api = Api("projects-api", description="Projects.", defaults=api_defaults, opts=opts)
ml_api = Api("ml-api", description="Jobs, and the opening of links.", defaults=api_defaults, opts=opts)
delivery = Delivery(
    "delivery",
    bucket=storage.ml_bucket,
    links_api=ml_api,
    links_stage_name=settings.api_stage_name,
    public_key=settings.delivery_public_key,
    url=settings.delivery_url,
    opts=opts,
)

handlers = Handlers(account=account, runs_on=runs_on, storage=storage, allowed_origins=origins, opts=opts)
steps = handlers.pipeline_steps(delivery_url=delivery.url)
pipeline = Pipeline(
    "pipeline",
    account=account,
    storage=storage,
    images=images,
    steps=steps,
    machines=Machines(
        sfm=settings.processing_instance_type,
        training=settings.training_instance_types[0],
        compressor=settings.compressor_instance_type,
        use_spot=settings.use_spot,
        max_training_seconds=settings.max_training_minutes * 60,
    ),
    log_retention_days=log_days,
    opts=opts,
)
job_events = handlers.job_events(state_machine=pipeline.state_machine_arn, mail=mail)
JobEvents("job-changes", pipeline=pipeline, function=job_events, opts=opts)

functions = {
    "file_upload": handlers.file_upload(),
    "projects": handlers.projects(),
    "ml_jobs": handlers.ml_jobs(state_machine=pipeline.state_machine_arn),
    "delivery": handlers.delivery(delivery=delivery, private_key_secret=settings.delivery_private_key_secret),
}
Monitoring(
    "monitoring",
    account=account,
    recipients=settings.alarm_emails,
    monthly_budget_usd=settings.monthly_budget_usd,
    pipeline=pipeline,
    storage=storage,
    functions={**functions, "pipeline_steps": steps, "job_events": job_events},
    asynchronous={"job_events"},
    apis={"file-upload-api": file_upload_api, "projects-api": projects_api, "ml-api": ml_api},
    opts=opts,
)

pulumi.export("fileUploadApiUrl", file_upload_api.serve(routes.FILE_UPLOAD, functions))
projects_url = projects_api.serve(routes.PROJECTS, functions)
pulumi.export("projectsApiUrl", pulumi.Output.concat(projects_url, "/projects"))
pulumi.export("mlApiUrl", ml_api.serve(routes.ML, functions))
pulumi.export("userPoolV2Id", identity.v2.id)
pulumi.export("userPoolV2ClientId", identity.v2.client_id)
pulumi.export("userPoolV3Id", identity.v3.id)
pulumi.export("userPoolV3ClientId", identity.v3.client_id)
pulumi.export("deliveryUrl", delivery.url)
pulumi.export("uploadsBucket", storage.uploads_bucket.name)
pulumi.export("mlBucket", storage.ml_bucket.name)
pulumi.export("stateMachineArn", pipeline.state_machine_arn)
