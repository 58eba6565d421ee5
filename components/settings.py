"""The stack's settings: Pulumi config, read once and checked as a whole."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pulumi

from components.adopt import ADOPTABLE, Adoption
from components.code import function_folders
from components.config_reader import ConfigReader
from components.definition import STEPS, Machines

LOG_RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
ARCHITECTURES = ("arm64", "x86_64")
MAX_TRAINING_MINUTES = 5 * 24 * 60
"""SageMaker's own limit of a training job."""
MAX_SPOT_WAIT_MINUTES = 24 * 60
MAX_BUDGET_USD = 1_000_000
MAX_USD_PER_HOUR = 1000
MAX_STACK_NAME = 18
"""EventBridge takes 64 characters of a rule's name, and the longest is `job-changes-executions-rule`."""
_NAME = r"[a-z][a-z0-9-]{0,30}"
_ORIGIN = r"https?://[a-z0-9.-]+(:\d{1,5})?"
_MAIL_ADDRESS = r"[^@\s]+@(?P<domain>[a-z0-9-]+(\.[a-z0-9-]+)+)"
_PAGE = _ORIGIN + r"(/[A-Za-z0-9/_.~-]*)?"
_ADDRESS = r"https?://[a-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._/-]*[A-Za-z0-9._-])?"
_ELEVATION_FILE = r"[A-Za-z0-9._-]{1,100}\.(tif|hgt)"
_STAGE_ADDRESS = r"https?://[a-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._-]+)*/\{id\}/\{stage\}"
_RUNTIME = r"python3\.\d{1,2}"
_STAGE_NAME = r"[A-Za-z0-9_-]{1,128}"
_INSTANCE_TYPE = r"ml\.[a-z0-9-]+\.[a-z0-9]+"
_PUBLIC_KEY = r"-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*"
_DOMAIN = r"[a-z0-9-]+(\.[a-z0-9-]+)+"
_CERTIFICATE = r"arn:aws:acm:(?P<region>[a-z0-9-]+):\d{12}:certificate/[0-9a-f-]+"
_CLOUDFRONT_REGION = "us-east-1"
"""Where CloudFront looks for certificates, whatever the stack's region."""
TERRAIN_URLS = {
    "copernicus": "https://copernicus-dem-30m.s3.eu-central-1.amazonaws.com",
    "skadi": "https://s3.amazonaws.com/elevation-tiles-prod/skadi",
}
"""The public sources of elevation tiles, and where they are."""
PRICE_CLASSES = ("PriceClass_100", "PriceClass_200", "PriceClass_All")
_POLICY = r"arn:aws:iam::\d{12}:policy/[\w+=,.@/-]+"
_DIGEST = r"sha256:[0-9a-f]{64}"
_VAULT_NAME = r"[A-Za-z0-9/_+=.@-]{1,512}"
_QUOTAS = ("jobsAtOnce", "jobsPerDay", "spendPerMonthUsd")
MAX_QUOTA = 1_000_000
_ADOPTION_KEYS = frozenset({"id", "ignoreChanges", "absent"})


class SettingsError(ValueError):
    """The stack's config is not usable; the message lists every problem."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "the stack's config is not usable:\n" + "\n".join(f"  - {problem}" for problem in problems)
        )


@dataclass(frozen=True)
class Domain:
    """A domain of our own.

    Attributes:
        name: Such as api.example.com.
        certificate_arn: ACM certificate that stands for it.
    """

    name: str
    certificate_arn: str


@dataclass(frozen=True)
class DeliverySettings:
    """How models are delivered.

    Attributes:
        public_key: PEM of the key that cookies are signed with.
        private_key_secret: Name of the secret with its private half.
        url: Address that people use, where it is neither the domain's nor the distribution's own; no trailing
            slash.
        domain: Domain of our own.
        price_class: Where the edges are.
    """

    public_key: str
    private_key_secret: str
    url: str | None
    domain: Domain | None
    price_class: str


@dataclass(frozen=True)
class FunctionSettings:
    """What functions run on.

    Attributes:
        runtime: Lambda runtime.
        architecture: Processor.
        reserved_concurrency: Calls at once by folder, where a function is to have its own share.
        log_retention_days: How long their logs are kept.
    """

    runtime: str
    architecture: str
    reserved_concurrency: Mapping[str, int]
    log_retention_days: int


@dataclass(frozen=True)
class Quotas:
    """What a person may use to whom staff have granted nothing else.

    Attributes:
        jobs_at_once: Jobs that run or wait at the same time.
        jobs_per_day: Jobs started in a day.
        spend_per_month_usd: What the jobs of a month may cost, in US dollars.
    """

    jobs_at_once: int
    jobs_per_day: int
    spend_per_month_usd: int

    @property
    def variables(self) -> dict[str, str]:
        """What functions that look at quotas have in their environment."""
        return {
            "QUOTA_JOBS_AT_ONCE": str(self.jobs_at_once),
            "QUOTA_JOBS_PER_DAY": str(self.jobs_per_day),
            "QUOTA_SPEND_PER_MONTH_USD": str(self.spend_per_month_usd),
        }


@dataclass(frozen=True)
class Terrain:
    """Where the flight planner has the heights of the ground from.

    Attributes:
        source: Name of the public source.
        url: Where its tiles are.
        file: Elevation file of our own, below `terrain/own/` in the ML bucket; empty where there is none.
    """

    source: str
    url: str
    file: str

    @property
    def variables(self) -> dict[str, str]:
        """What the flight planner has in its environment."""
        return {"TERRAIN_SOURCE": self.source, "TERRAIN_URL": self.url, "TERRAIN_FILE": self.file}


@dataclass(frozen=True)
class Settings:
    """The checked settings; `Pulumi.yaml` describes each.

    Attributes:
        region: From `aws:region`.
        api_address: None where APIs answer at AWS's own addresses or at `api_domain`.
        staff_email: None where nobody of the staff gets mail.
        sign_in_url: The first allowed origin where the config names no page.
        alarm_emails: Who is told of alarms; nobody only in an ephemeral stack.
        monthly_budget_usd: None in an ephemeral stack, which has no budget.
        image_digests: By step; empty where the program builds the images itself.
        permissions_boundary: ARN of the policy that bounds every role; None where none is asked for.
        adopt: Empty in an ephemeral stack, whatever the config says: a branch stack starts from staging's
            file.
    """

    region: str
    environment: str
    allowed_origins: tuple[str, ...]
    mail_from: str
    cognito_mails_through_ses: bool
    staff_email: str | None
    sign_in_url: str
    alarm_emails: tuple[str, ...]
    monthly_budget_usd: int | None
    delivery: DeliverySettings
    api_domain: Domain | None
    api_stage_name: str
    api_address: str | None
    terrain: Terrain
    functions: FunctionSettings
    machines: Machines
    image_digests: Mapping[str, str]
    quotas: Quotas
    log_retention_days: int
    permissions_boundary: str | None
    ephemeral: bool
    adopt: Mapping[str, Adoption]

    @classmethod
    def load(cls) -> "Settings":
        """Read and check the config of the running stack.

        Raises:
            SettingsError: Listing every value that is missing or wrong.
        """
        read = _Reader(pulumi.Config())
        region = pulumi.Config("aws").get("region") or ""
        if not region:
            read.problems.append("aws:region is missing")
        ephemeral = read.flag("ephemeral")
        adopt = read.adoptions("adopt")
        origins = read.texts("allowedOrigins", _ORIGIN, "an origin such as https://app.example.com, no path")
        mail_address = "a mail address in lower case"
        budget = read.whole_number("monthlyBudgetUsd", 1, MAX_BUDGET_USD)
        log_days = read.whole_number("logRetentionDays", 1, max(LOG_RETENTION_DAYS))
        if len(pulumi.get_stack()) > MAX_STACK_NAME:
            read.problems.append(f"the stack's name is part of other names: {MAX_STACK_NAME} letters at most")
        settings = cls(
            region=region,
            environment=read.text("environment", _NAME, "a short name in lower case"),
            allowed_origins=origins,
            mail_from=read.text("mailFrom", _MAIL_ADDRESS, mail_address),
            cognito_mails_through_ses=read.flag("cognitoMailsThroughSes"),
            staff_email=read.optional_text("staffEmail", _MAIL_ADDRESS, mail_address),
            sign_in_url=read.optional_text("signInUrl", _PAGE, "the address of a page, without a query")
            or next(iter(origins), ""),
            alarm_emails=read.texts("alarmEmails", _MAIL_ADDRESS, mail_address, may_be_empty=ephemeral),
            monthly_budget_usd=None if ephemeral else budget,
            delivery=read.delivery(),
            api_domain=read.domain("api", region),
            api_stage_name=read.text("apiStageName", _STAGE_NAME, "a stage name"),
            api_address=read.optional_text("apiAddress", _STAGE_ADDRESS, "an address with {id} and {stage}"),
            terrain=read.terrain(),
            functions=read.functions(log_days),
            machines=read.machines(),
            image_digests=read.digests("imageDigests"),
            quotas=read.quotas("quotas"),
            log_retention_days=log_days,
            permissions_boundary=read.optional_text("permissionsBoundary", _POLICY, "the ARN of a policy"),
            ephemeral=ephemeral,
            adopt={} if ephemeral else adopt,
        )
        if settings.log_retention_days and settings.log_retention_days not in LOG_RETENTION_DAYS:
            periods = ", ".join(str(days) for days in sorted(LOG_RETENTION_DAYS))
            read.wrong("logRetentionDays", f"must be one of {periods}")
        if read.problems:
            raise SettingsError(read.problems)
        return settings


class _Reader(ConfigReader):
    """Reads what only this program's config has."""

    def delivery(self) -> DeliverySettings:
        return DeliverySettings(
            public_key=self.text("deliveryPublicKey", _PUBLIC_KEY, "a public key in PEM form").strip() + "\n",
            private_key_secret=self.text("deliveryPrivateKeySecret", _VAULT_NAME, "the name of a secret"),
            url=self.optional_text("deliveryUrl", _ORIGIN, "an address without a path or trailing slash"),
            domain=self.domain("delivery", _CLOUDFRONT_REGION),
            price_class=self.text("deliveryPriceClass", "|".join(PRICE_CLASSES), " or ".join(PRICE_CLASSES)),
        )

    def terrain(self) -> Terrain:
        source = self.text("terrainSource", "|".join(TERRAIN_URLS), " or ".join(TERRAIN_URLS))
        url = self.optional_text("terrainUrl", _ADDRESS, "an address without a trailing slash")
        return Terrain(
            source=source,
            url=url or TERRAIN_URLS.get(source, ""),
            file=self.optional_text("terrainFile", _ELEVATION_FILE, "the name of a .tif or .hgt file") or "",
        )

    def functions(self, log_retention_days: int) -> FunctionSettings:
        return FunctionSettings(
            runtime=self.text("functionRuntime", _RUNTIME, "a Python runtime such as python3.13"),
            architecture=self.text(
                "functionArchitecture", "|".join(ARCHITECTURES), " or ".join(ARCHITECTURES)
            ),
            reserved_concurrency=self.shares("reservedConcurrency", function_folders()),
            log_retention_days=log_retention_days,
        )

    def machines(self) -> Machines:
        machine = "a SageMaker machine"
        return Machines(
            sfm=self.text("processingInstanceType", _INSTANCE_TYPE, machine),
            training=self.texts("trainingInstanceTypes", _INSTANCE_TYPE, machine),
            compressor=self.text("compressorInstanceType", _INSTANCE_TYPE, machine),
            use_spot=self.flag("useSpot"),
            max_training_seconds=self.whole_number("maxTrainingMinutes", 1, MAX_TRAINING_MINUTES) * 60,
            spot_wait_seconds=self.whole_number("spotWaitMinutes", 1, MAX_SPOT_WAIT_MINUTES) * 60,
            usd_per_hour=self.prices("machinePrices"),
        )

    def prices(self, key: str) -> dict[str, float]:
        value = self.json_value(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(key, "must be a map from SageMaker machines to US dollars per hour")
            return {}
        wrong = [
            str(machine)
            for machine, price in value.items()
            if not re.fullmatch(_INSTANCE_TYPE, str(machine))
            or type(price) not in (int, float)
            or not 0 < price <= MAX_USD_PER_HOUR
        ]
        if wrong:
            self.wrong(
                key,
                f"must have US dollars per hour, above 0, by SageMaker machine; {', '.join(wrong)} has not",
            )
            return {}
        return {machine: float(price) for machine, price in value.items()}

    def domain(self, what: str, region: str | None) -> Domain | None:
        """Read `<what>Domain` and `<what>CertificateArn`, which come together."""
        keys = f"{what}Domain", f"{what}CertificateArn"
        values = [self.config.get(key) or "" for key in keys]
        if not any(values):
            return None
        if not all(values):
            self.wrong(
                keys[1 if values[0] else 0], f"is missing: it goes with spaceport:{keys[not values[0]]}"
            )
            return None
        name, certificate = values
        if not re.fullmatch(_DOMAIN, name):
            self.wrong(keys[0], "must be a domain name in lower case")
        found = re.fullmatch(_CERTIFICATE, certificate)
        if not found or found["region"] != region:
            self.wrong(keys[1], f"must be the ARN of an ACM certificate in {region}")
        return Domain(name, certificate)

    def digests(self, key: str) -> dict[str, str]:
        value = self.json_value(key)
        if not value:
            return {}
        if not isinstance(value, dict) or set(value) != set(STEPS):
            self.wrong(key, f"must be empty or have a digest for each of {', '.join(STEPS)}")
            return {}
        wrong = [step for step, digest in value.items() if not re.fullmatch(_DIGEST, str(digest))]
        if wrong:
            self.wrong(key, f"must have digests such as sha256:1f..; {', '.join(wrong)} has not")
        return {step: str(digest) for step, digest in value.items()}

    def shares(self, key: str, names: Collection[str]) -> dict[str, int]:
        value = self.json_value(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or set(value) - set(names):
            self.wrong(key, f"must be a map from functions ({', '.join(sorted(names))}) to whole numbers")
            return {}
        wrong = [name for name, share in value.items() if type(share) is not int or share < 0]
        if wrong:
            self.wrong(key, f"must have whole numbers of calls; {', '.join(wrong)} has not")
            return {}
        return value

    def quotas(self, key: str) -> Quotas:
        value = self.json_value(key)
        if not isinstance(value, dict) or set(value) != set(_QUOTAS):
            if value is not None:
                self.wrong(key, f"must be a map of {', '.join(_QUOTAS)}, all of them")
            return Quotas(0, 0, 0)
        wrong = [
            name for name in _QUOTAS if type(value[name]) is not int or not 1 <= value[name] <= MAX_QUOTA
        ]
        if wrong:
            self.wrong(key, f"must have whole numbers from 1 to {MAX_QUOTA}; {', '.join(wrong)} has not")
            return Quotas(0, 0, 0)
        return Quotas(*(value[name] for name in _QUOTAS))

    def adoptions(self, key: str) -> dict[str, Adoption]:
        value = self.json_value(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(key, "must be a map from our names to {id, ignoreChanges, absent}")
            return {}
        unknown = sorted(set(value) - ADOPTABLE)
        if unknown:
            self.wrong(
                key, f"names {', '.join(unknown)}; these can be adopted: {', '.join(sorted(ADOPTABLE))}"
            )
        return {name: self._adoption(f"{key}.{name}", entry) for name, entry in value.items()}

    def _adoption(self, key: str, entry: object) -> Adoption:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or set(entry) - _ADOPTION_KEYS:
            self.wrong(key, "must be a map with an id and, if need be, ignoreChanges and absent")
            return Adoption("")
        return Adoption(
            id=entry["id"],
            ignore_changes=self._names(key, entry.get("ignoreChanges")),
            absent=self._names(key, entry.get("absent")),
        )

    def _names(self, key: str, value: object) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(key, "has ignoreChanges or absent that is no list of names")
            return ()
        return tuple(value)
