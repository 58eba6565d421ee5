"""The platform's functions: what each reads from its environment and what it may do.

Both are stated in `functions/<name>/settings.py`; a test holds the two together.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components import grants
from components.account import COST_TAG, Account
from components.code import api_documents
from components.definition import Machines
from components.delivery import Delivery
from components.function import Function, FunctionRuntime
from components.identity import ADMIN_GROUP, UserPool
from components.mail import Mail
from components.pipeline import JOB_LOGS, Pipeline, StepFunctions
from components.settings import Quotas, Terrain
from components.storage import (
    EXPORTS,
    INTERMEDIATE,
    JOB,
    JOB_INDEX,
    OWNER_INDEX,
    PROJECT_INDEX,
    WEBHOOK_SECONDS,
    Storage,
)

_UPLOADS = "uploads/"
_JOBS = "jobs/"
_TERRAIN = "terrain/"


@dataclass(frozen=True)
class Handlers:
    """Makes the functions from what they share.

    Attributes:
        account: Whose secrets and identities they use.
        runs_on: Runtime and libraries.
        storage: Buckets and tables.
        mail: Where mails come from.
        allowed_origins: Origins whose pages may call the APIs.
        opts: Options of each function's component.
    """

    account: Account
    runs_on: FunctionRuntime
    storage: Storage
    mail: Mail
    allowed_origins: Sequence[str]
    opts: pulumi.ResourceOptions

    def capture_check(self) -> Function:
        """Says whether a model can come of a capture."""
        bucket, table = self.storage.uploads_bucket, self.storage.uploads_table
        return Function(
            "capture-check",
            description="Says whether a model can come of a capture, before machines cost money.",
            runs_on=self.runs_on,
            environment={"UPLOADS_BUCKET": bucket.name, "UPLOADS_TABLE": table.name},
            abilities=[
                grants.list_objects(bucket.arn, _UPLOADS),
                grants.read_objects(bucket.arn, f"{_UPLOADS}*"),
                grants.read_item(table.arn),
                grants.update_item(table.arn),
            ],
            # Two photos of 100 megapixels may be in memory at once.
            memory_mb=2048,
            timeout_seconds=300,
            asynchronous=True,
            extra_layers=[self.runs_on.geometry_layer, self.runs_on.imaging_layer],
            opts=self.opts,
        )

    def file_upload(self, *, capture_check: Function, housekeeping: Function) -> Function:
        """Takes uploads in.

        Args:
            capture_check: The function that checks captures.
            housekeeping: The function that removes them.
        """
        bucket = self.storage.uploads_bucket
        return Function(
            "file-upload",
            description="Takes photos in: multipart uploads and captures.",
            runs_on=self.runs_on,
            environment={
                "UPLOADS_BUCKET": bucket.name,
                "UPLOADS_TABLE": self.storage.uploads_table.name,
                "JOBS_TABLE": self.storage.jobs_table.name,
                "HOUSEKEEPING_ARN": housekeeping.arn,
                "CAPTURE_CHECK_ARN": capture_check.arn,
                "IDEMPOTENCY_TABLE": self.storage.idempotency_table.name,
                "ALLOWED_ORIGINS": ",".join(self.allowed_origins),
            },
            abilities=[
                grants.keep_items(self.storage.uploads_table.arn),
                grants.query_index(self.storage.uploads_table.arn, OWNER_INDEX),
                grants.query_index(self.storage.jobs_table.arn, OWNER_INDEX),
                grants.invoke_function(housekeeping.arn),
                grants.keep_single_items(self.storage.idempotency_table.arn),
                grants.list_objects(bucket.arn, _UPLOADS),
                grants.read_objects(bucket.arn, f"{_UPLOADS}*"),
                grants.write_objects(bucket.arn, f"{_UPLOADS}*"),
                grants.list_parts(bucket.arn, f"{_UPLOADS}*"),
                grants.delete_objects(bucket.arn, f"{_UPLOADS}*"),
                grants.invoke_function(capture_check.arn),
            ],
            memory_mb=512,
            timeout_seconds=29,
            opts=self.opts,
        )

    def projects(self, *, housekeeping: Function) -> Function:
        """Keeps projects."""
        uploads, ml_bucket = self.storage.uploads_bucket, self.storage.ml_bucket
        return Function(
            "projects",
            description="Keeps people's projects.",
            runs_on=self.runs_on,
            environment={
                "PROJECTS_TABLE": self.storage.projects_table.name,
                "UPLOADS_TABLE": self.storage.uploads_table.name,
                "JOBS_TABLE": self.storage.jobs_table.name,
                "FLIGHT_PATHS_TABLE": self.storage.flight_paths_table.name,
                "UPLOADS_BUCKET": uploads.name,
                "ML_BUCKET": ml_bucket.name,
                "HOUSEKEEPING_ARN": housekeeping.arn,
                "ALLOWED_ORIGINS": ",".join(self.allowed_origins),
            },
            abilities=[
                grants.keep_items(self.storage.projects_table.arn),
                grants.query_index(self.storage.uploads_table.arn, PROJECT_INDEX),
                grants.query_index(self.storage.flight_paths_table.arn, PROJECT_INDEX),
                grants.query_index(self.storage.jobs_table.arn, PROJECT_INDEX),
                grants.query_index(self.storage.jobs_table.arn, OWNER_INDEX),
                grants.list_objects(uploads.arn, _UPLOADS),
                grants.list_objects(ml_bucket.arn, _JOBS),
                grants.read_objects(ml_bucket.arn, f"{EXPORTS}*"),
                grants.invoke_function(housekeeping.arn),
            ],
            memory_mb=512,
            timeout_seconds=29,
            opts=self.opts,
        )

    def housekeeping(self) -> Function:
        """Removes what people have deleted, and exports projects."""
        uploads, ml_bucket = self.storage.uploads_bucket, self.storage.ml_bucket
        tables = self.storage
        return Function(
            "housekeeping",
            description="Removes what people have deleted, and exports projects.",
            runs_on=self.runs_on,
            environment={
                "UPLOADS_BUCKET": uploads.name,
                "ML_BUCKET": ml_bucket.name,
                "UPLOADS_TABLE": tables.uploads_table.name,
                "PROJECTS_TABLE": tables.projects_table.name,
                "JOBS_TABLE": tables.jobs_table.name,
                "LINKS_TABLE": tables.links_table.name,
                "FLIGHT_PATHS_TABLE": tables.flight_paths_table.name,
                "LIMITS_TABLE": tables.limits_table.name,
            },
            abilities=[
                *(
                    ability(table.arn)
                    for table in (tables.projects_table, tables.jobs_table, tables.uploads_table)
                    for ability in (grants.read_item, grants.update_item, grants.remove_item)
                ),
                grants.query_items(tables.uploads_table.arn),
                grants.remove_item(tables.links_table.arn),
                grants.remove_item(tables.flight_paths_table.arn),
                grants.update_item(tables.limits_table.arn),
                grants.query_index(tables.uploads_table.arn, PROJECT_INDEX),
                grants.query_index(tables.flight_paths_table.arn, PROJECT_INDEX),
                grants.query_index(tables.jobs_table.arn, PROJECT_INDEX),
                grants.query_index(tables.jobs_table.arn, OWNER_INDEX),
                grants.query_index(tables.links_table.arn, JOB_INDEX),
                grants.list_objects(uploads.arn, _UPLOADS),
                grants.read_objects(uploads.arn, f"{_UPLOADS}*"),
                grants.delete_objects(uploads.arn, f"{_UPLOADS}*"),
                grants.abort_uploads(uploads.arn, f"{_UPLOADS}*"),
                grants.list_objects(ml_bucket.arn, _JOBS, EXPORTS),
                grants.read_objects(ml_bucket.arn, f"{JOB}/model/*"),
                grants.write_objects(ml_bucket.arn, f"{EXPORTS}*"),
                grants.delete_objects(ml_bucket.arn, f"{JOB}/*", f"{EXPORTS}*"),
            ],
            # Memory is processor and network, too; an export holds some 300 MB.
            memory_mb=1024,
            timeout_seconds=900,
            asynchronous=True,
            opts=self.opts,
        )

    def drone_path(
        self,
        *,
        terrain: Terrain,
    ) -> Function:
        """Plans flights."""
        ml_bucket = self.storage.ml_bucket
        flight_paths = self.storage.flight_paths_table
        return Function(
            "drone-path",
            description="Plans flights over real ground.",
            runs_on=self.runs_on,
            environment={
                "FLIGHT_PATHS_TABLE": flight_paths.name,
                "PROJECTS_TABLE": self.storage.projects_table.name,
                "ML_BUCKET": ml_bucket.name,
                **terrain.variables,
                "ALLOWED_ORIGINS": ",".join(self.allowed_origins),
            },
            abilities=[
                grants.keep_single_items(flight_paths.arn),
                grants.query_index(flight_paths.arn, OWNER_INDEX),
                grants.update_item(self.storage.projects_table.arn),
                grants.list_objects(ml_bucket.arn, _TERRAIN),
                grants.read_objects(ml_bucket.arn, f"{_TERRAIN}*"),
                grants.write_objects(ml_bucket.arn, f"{_TERRAIN}*"),
            ],
            # Unpacked, an elevation tile has 52 MB; four are kept. Reading a file of one's own takes 800 MB.
            memory_mb=1536,
            timeout_seconds=29,
            extra_layers=[self.runs_on.geometry_layer, self.runs_on.raster_layer],
            opts=self.opts,
        )

    def ml_jobs(
        self,
        *,
        pipeline: Pipeline,
        quotas: Quotas,
        delivery_url: pulumi.Input[str],
        housekeeping: Function,
    ) -> Function:
        """Starts, shows and stops jobs, and says what they will take."""
        ml_bucket = self.storage.ml_bucket
        return Function(
            "ml-jobs",
            description="Starts, shows and stops jobs.",
            runs_on=self.runs_on,
            environment={
                "UPLOADS_BUCKET": self.storage.uploads_bucket.name,
                "UPLOADS_TABLE": self.storage.uploads_table.name,
                "ML_BUCKET": ml_bucket.name,
                "PROJECTS_TABLE": self.storage.projects_table.name,
                "JOBS_TABLE": self.storage.jobs_table.name,
                "LINKS_TABLE": self.storage.links_table.name,
                "LIMITS_TABLE": self.storage.limits_table.name,
                "SETTINGS_TABLE": self.storage.settings_table.name,
                "IDEMPOTENCY_TABLE": self.storage.idempotency_table.name,
                "DELIVERY_URL": delivery_url,
                **quotas.variables,
                "STATE_MACHINE_ARN": pipeline.state_machine_arn,
                "MACHINES": _as_json(pipeline.machines),
                "MACHINE_PRICES": json.dumps(pipeline.machines.usd_per_hour),
                "HOUSEKEEPING_ARN": housekeeping.arn,
                "ALLOWED_ORIGINS": ",".join(self.allowed_origins),
            },
            abilities=[
                grants.keep_single_items(self.storage.jobs_table.arn),
                grants.query_index(self.storage.jobs_table.arn, OWNER_INDEX),
                grants.keep_single_items(self.storage.links_table.arn),
                grants.query_index(self.storage.links_table.arn, JOB_INDEX),
                grants.keep_single_items(self.storage.idempotency_table.arn),
                grants.read_item(self.storage.projects_table.arn),
                grants.read_item(self.storage.uploads_table.arn),
                grants.read_item(self.storage.settings_table.arn),
                grants.read_item(self.storage.limits_table.arn),
                grants.update_item(self.storage.limits_table.arn),
                grants.list_objects(self.storage.uploads_bucket.arn, _UPLOADS),
                grants.list_objects(ml_bucket.arn, _JOBS),
                grants.write_objects(ml_bucket.arn, f"{JOB}/request.json"),
                grants.delete_objects(ml_bucket.arn, f"{JOB}/request.json"),
                grants.read_objects(
                    ml_bucket.arn, *(f"{JOB}/{place}/*" for place in ("progress", "sfm", "3dgs", "model"))
                ),
                grants.start_executions(pipeline.state_machine_arn),
                grants.follow_executions(pipeline.state_machine_arn),
                grants.stop_executions(pipeline.state_machine_arn),
                grants.read_job_logs([arn for group in JOB_LOGS for arn in self.account.log_group(group)]),
                grants.invoke_function(housekeeping.arn),
            ],
            memory_mb=512,
            timeout_seconds=29,
            opts=self.opts,
        )

    def steps(self, *, delivery_url: pulumi.Input[str]) -> StepFunctions:
        """What the state machine calls."""
        return StepFunctions(self.capture_check(), self.pipeline_steps(delivery_url=delivery_url))

    def pipeline_steps(
        self,
        *,
        delivery_url: pulumi.Input[str],
    ) -> Function:
        """Does the state machine's own steps, the capture check left out."""
        ml_bucket = self.storage.ml_bucket
        return Function(
            "pipeline-steps",
            description="Checks reconstructions and publishes models, for the state machine.",
            runs_on=self.runs_on,
            environment={
                "ML_BUCKET": ml_bucket.name,
                "JOBS_TABLE": self.storage.jobs_table.name,
                "LINKS_TABLE": self.storage.links_table.name,
                "DELIVERY_URL": delivery_url,
            },
            abilities=[
                grants.list_objects(ml_bucket.arn, _JOBS),
                grants.read_objects(ml_bucket.arn, f"{JOB}/sfm/report.json", f"{JOB}/model/*"),
                grants.write_objects(ml_bucket.arn, f"{JOB}/model/*"),
                grants.update_item(self.storage.jobs_table.arn),
                grants.add_item(self.storage.links_table.arn),
            ],
            memory_mb=1024,
            timeout_seconds=300,
            opts=self.opts,
        )

    def job_events(
        self,
        *,
        pipeline: Pipeline,
    ) -> Function:
        """Records what happens to jobs and tells their owners."""
        return Function(
            "job-events",
            description="Records what happens to jobs and tells their owners.",
            runs_on=self.runs_on,
            environment={
                "JOBS_TABLE": self.storage.jobs_table.name,
                "PROJECTS_TABLE": self.storage.projects_table.name,
                "SETTINGS_TABLE": self.storage.settings_table.name,
                "WEBHOOK_QUEUE_URL": self.storage.webhook_queue.url,
                "STATE_MACHINE_ARN": pipeline.state_machine_arn,
                "MACHINE_PRICES": json.dumps(pipeline.machines.usd_per_hour),
                "METRICS_SERVICE": self.account.tags[COST_TAG],
                **self.mail.environment,
                "ML_BUCKET": self.storage.ml_bucket.name,
                "INTERMEDIATE_TAG": "=".join(INTERMEDIATE),
            },
            abilities=[
                grants.read_item(self.storage.jobs_table.arn),
                grants.update_item(self.storage.jobs_table.arn),
                grants.update_item(self.storage.projects_table.arn),
                grants.read_item(self.storage.settings_table.arn),
                grants.send_messages(self.storage.webhook_queue.arn),
                grants.list_objects(self.storage.ml_bucket.arn, _JOBS),
                grants.tag_objects(
                    self.storage.ml_bucket.arn, f"{JOB}/sfm/*", f"{JOB}/3dgs/*", f"{JOB}/progress/*"
                ),
                grants.list_executions(pipeline.state_machine_arn),
                grants.follow_executions(pipeline.state_machine_arn),
                grants.list_step_jobs(),
                grants.follow_step_jobs(
                    self.account.arn("sagemaker", "processing-job/*"),
                    self.account.arn("sagemaker", "training-job/*"),
                ),
                self.mail.may_send(),
            ],
            memory_mb=512,
            timeout_seconds=60,
            asynchronous=True,
            opts=self.opts,
        )

    def user_settings(self, *, quotas: Quotas) -> Function:
        """Keeps people's settings.

        Args:
            quotas: What people may use to whom nothing else is granted.
        """
        return Function(
            "user-settings",
            description="Keeps how people are told of jobs, and shows what they may use.",
            runs_on=self.runs_on,
            environment={
                "SETTINGS_TABLE": self.storage.settings_table.name,
                "LIMITS_TABLE": self.storage.limits_table.name,
                "WEBHOOK_QUEUE_URL": self.storage.webhook_queue.url,
                "ALLOWED_ORIGINS": ",".join(self.allowed_origins),
                **quotas.variables,
            },
            abilities=[
                grants.read_item(self.storage.settings_table.arn),
                grants.update_item(self.storage.settings_table.arn),
                grants.update_item(self.storage.limits_table.arn),
                grants.send_messages(self.storage.webhook_queue.arn),
            ],
            memory_mb=512,
            timeout_seconds=29,
            opts=self.opts,
        )

    def webhooks(self) -> Function:
        """Posts events to people's webhooks."""
        return Function(
            "webhooks",
            description="Posts what happens to jobs where their owners want it.",
            runs_on=self.runs_on,
            environment={
                "SETTINGS_TABLE": self.storage.settings_table.name,
                "WEBHOOK_QUEUE_URL": self.storage.webhook_queue.url,
            },
            abilities=[
                grants.read_item(self.storage.settings_table.arn),
                grants.update_item(self.storage.settings_table.arn),
            ],
            memory_mb=512,
            timeout_seconds=WEBHOOK_SECONDS,
            works_off=self.storage.webhook_queue,
            opts=self.opts,
        )

    def delivery(
        self,
        *,
        delivery: Delivery,
        private_key_secret: str,
    ) -> Function:
        """Opens shared links."""
        # Secrets Manager ends a secret's ARN in six characters of its own.
        secret = self.account.arn("secretsmanager", f"secret:{private_key_secret}-??????")
        return Function(
            "delivery",
            description="Opens shared links: signs the cookies for one model.",
            runs_on=self.runs_on,
            environment={
                "LINKS_TABLE": self.storage.links_table.name,
                "JOBS_TABLE": self.storage.jobs_table.name,
                "DELIVERY_URL": delivery.url,
                "DELIVERY_KEY_PAIR_ID": delivery.key_pair_id,
                "DELIVERY_PRIVATE_KEY_SECRET": private_key_secret,
            },
            abilities=[
                grants.read_item(self.storage.links_table.arn),
                grants.read_item(self.storage.jobs_table.arn),
                grants.read_secret(secret),
            ],
            memory_mb=512,
            timeout_seconds=29,
            opts=self.opts,
        )

    def invites(self, version: str, *, pool: UserPool, sign_in_url: str) -> Function:
        """Invites people to one pool: each pool has a function of its own, which reaches no other.

        Args:
            version: Short name of the pool.
            pool: The pool.
            sign_in_url: Page that invitations send people to.
        """
        return Function(
            f"invites-{version}",
            folder="invites",
            description=f"Invites people to the user pool {version}.",
            runs_on=self.runs_on,
            environment={
                "USER_POOL_ID": pool.id,
                "INVITED_GROUP": pool.group,
                "ADMIN_GROUP": ADMIN_GROUP,
                "HANDLE_REQUIRED": "true" if pool.handle_required else "false",
                "SIGN_IN_URL": sign_in_url,
                "LIMITS_TABLE": self.storage.limits_table.name,
                **self.mail.environment,
                "ALLOWED_ORIGINS": ",".join(self.allowed_origins),
            },
            abilities=[
                grants.invite_people(pool.arn),
                grants.update_item(self.storage.limits_table.arn),
                self.mail.may_send(),
            ],
            memory_mb=512,
            timeout_seconds=29,
            opts=self.opts,
        )

    def api_docs(self, *, addresses: Mapping[str, pulumi.Input[str]]) -> Function:
        """Tells what the APIs offer.

        Args:
            addresses: Of each API, by its logical name.
        """
        return Function(
            "api-docs",
            description="Gives the OpenAPI documents of the APIs.",
            runs_on=self.runs_on,
            environment={
                "API_ADDRESSES": pulumi.Output.json_dumps(dict(addresses)),
                "ALLOWED_ORIGINS": ",".join(self.allowed_origins),
            },
            abilities=[],
            extra_files=api_documents(addresses, "api_docs"),
            memory_mb=512,
            timeout_seconds=29,
            opts=self.opts,
        )

    def waitlist(self, *, staff_email: str | None) -> Function:
        """Takes sign-ups and feedback of people without an account.

        Args:
            staff_email: Who hears of them, None for nobody.
        """
        return Function(
            "waitlist",
            description="Takes sign-ups for the waitlist, and feedback.",
            runs_on=self.runs_on,
            environment={
                "WAITLIST_TABLE": self.storage.waitlist_table.name,
                "FEEDBACK_TABLE": self.storage.feedback_table.name,
                "LIMITS_TABLE": self.storage.limits_table.name,
                **self.mail.environment,
                "ALLOWED_ORIGINS": ",".join(self.allowed_origins),
                **({"STAFF_EMAIL": staff_email} if staff_email else {}),
            },
            abilities=[
                grants.add_item(self.storage.waitlist_table.arn),
                grants.update_item(self.storage.waitlist_table.arn),
                grants.add_item(self.storage.feedback_table.arn),
                grants.update_item(self.storage.limits_table.arn),
                self.mail.may_send(),
            ],
            memory_mb=512,
            timeout_seconds=29,
            opts=self.opts,
        )


def _as_json(machines: Machines) -> str:
    """Write the machines as the functions read them."""
    return json.dumps(
        {
            "sfm": machines.sfm,
            "training": machines.training,
            "compressor": machines.compressor,
            "useSpot": machines.use_spot,
            "spotWaitSeconds": machines.spot_wait_seconds,
        }
    )
