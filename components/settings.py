"""The stack's settings: Pulumi config, read once and checked as a whole."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pulumi

from components.adopt import ADOPTABLE, Adoption
from components.code import function_folders

LOG_RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
ARCHITECTURES = ("arm64", "x86_64")
MAX_TRAINING_MINUTES = 5 * 24 * 60
"""SageMaker's own limit of a training job."""
MAX_SPOT_WAIT_MINUTES = 24 * 60
_NAME = r"[a-z][a-z0-9-]{0,30}"
_ORIGIN = r"https?://[a-z0-9.-]+(:\d{1,5})?"
_MAIL_ADDRESS = r"[^@\s]+@(?P<domain>[a-z0-9-]+(\.[a-z0-9-]+)+)"
_PAGE = _ORIGIN + r"(/[A-Za-z0-9/_.~-]*)?"
_ADDRESS = r"https?://[a-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._/-]*[A-Za-z0-9._-])?"
_RUNTIME = r"python3\.\d{1,2}"
_STAGE_NAME = r"[A-Za-z0-9_-]{1,128}"
_INSTANCE_TYPE = r"ml\.[a-z0-9-]+\.[a-z0-9]+"
_PUBLIC_KEY = r"-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*"
_DOMAIN = r"[a-z0-9-]+(\.[a-z0-9-]+)+"
_CERTIFICATE = r"arn:aws:acm:(?P<region>[a-z0-9-]+):\d{12}:certificate/[0-9a-f-]+"
_CLOUDFRONT_REGION = "us-east-1"
"""Where CloudFront looks for certificates, whatever the stack's region."""
PRICE_CLASSES = ("PriceClass_100", "PriceClass_200", "PriceClass_All")
STEPS = ("sfm", "3dgs", "compressor")
_DIGEST = r"sha256:[0-9a-f]{64}"
_VAULT_NAME = r"[A-Za-z0-9/_+=.@-]{1,512}"
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
class Settings:
    """The checked settings; `Pulumi.yaml` describes each.

    Attributes:
        region: From `aws:region`.
        delivery_url: None where the address of the domain or of the distribution is meant; no trailing slash.
        image_digests: By step; empty where the program builds the images itself.
        staff_email: None where nobody of the staff gets mail.
        sign_in_url: The first allowed origin where the config names no page.
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
    delivery_public_key: str
    delivery_private_key_secret: str
    delivery_url: str | None
    delivery_domain: Domain | None
    delivery_price_class: str
    api_domain: Domain | None
    terrain_url: str
    api_stage_name: str
    function_runtime: str
    function_architecture: str
    processing_instance_type: str
    compressor_instance_type: str
    training_instance_types: tuple[str, ...]
    use_spot: bool
    spot_wait_minutes: int
    max_training_minutes: int
    image_digests: Mapping[str, str]
    log_retention_days: int
    reserved_concurrency: Mapping[str, int]
    ephemeral: bool
    adopt: Mapping[str, Adoption]

    @property
    def mail_domain(self) -> str:
        """Domain of the address that mails come from."""
        return self.mail_from.partition("@")[2]

    @classmethod
    def load(cls) -> "Settings":
        """Read and check the config of the running stack.

        Raises:
            SettingsError: Listing every value that is missing or wrong.
        """
        read = _Reader(pulumi.Config())
        region = pulumi.Config("aws").get("region")
        if not region:
            read.problems.append("aws:region is missing")
        ephemeral = read.flag("ephemeral")
        adopt = read.adoptions("adopt")
        origins = read.texts("allowedOrigins", _ORIGIN, "an origin such as https://app.example.com, no path")
        settings = cls(
            region=region or "",
            environment=read.text("environment", _NAME, "a short name in lower case"),
            allowed_origins=origins,
            mail_from=read.text("mailFrom", _MAIL_ADDRESS, "a mail address in lower case"),
            cognito_mails_through_ses=read.flag("cognitoMailsThroughSes"),
            staff_email=read.optional_text("staffEmail", _MAIL_ADDRESS, "a mail address in lower case"),
            sign_in_url=read.optional_text("signInUrl", _PAGE, "the address of a page, without a query")
            or next(iter(origins), ""),
            delivery_public_key=read.text(
                "deliveryPublicKey", _PUBLIC_KEY, "a public key in PEM form"
            ).strip()
            + "\n",
            delivery_private_key_secret=read.text(
                "deliveryPrivateKeySecret", _VAULT_NAME, "the name of a secret"
            ),
            delivery_url=read.optional_text(
                "deliveryUrl", _ORIGIN, "an address without a path or trailing slash"
            ),
            delivery_domain=read.domain("delivery", _CLOUDFRONT_REGION),
            delivery_price_class=read.text(
                "deliveryPriceClass", "|".join(PRICE_CLASSES), " or ".join(PRICE_CLASSES)
            ),
            api_domain=read.domain("api", region),
            terrain_url=read.text("terrainUrl", _ADDRESS, "an address without a trailing slash"),
            api_stage_name=read.text("apiStageName", _STAGE_NAME, "a stage name"),
            function_runtime=read.text("functionRuntime", _RUNTIME, "a Python runtime such as python3.13"),
            function_architecture=read.text(
                "functionArchitecture", "|".join(ARCHITECTURES), " or ".join(ARCHITECTURES)
            ),
            processing_instance_type=read.text(
                "processingInstanceType", _INSTANCE_TYPE, "a SageMaker machine"
            ),
            compressor_instance_type=read.text(
                "compressorInstanceType", _INSTANCE_TYPE, "a SageMaker machine"
            ),
            training_instance_types=read.texts(
                "trainingInstanceTypes", _INSTANCE_TYPE, "a SageMaker machine"
            ),
            use_spot=read.flag("useSpot"),
            spot_wait_minutes=read.whole_number("spotWaitMinutes", 1, MAX_SPOT_WAIT_MINUTES),
            max_training_minutes=read.whole_number("maxTrainingMinutes", 1, MAX_TRAINING_MINUTES),
            image_digests=read.digests("imageDigests"),
            log_retention_days=read.whole_number("logRetentionDays", 1, max(LOG_RETENTION_DAYS)),
            reserved_concurrency=read.shares("reservedConcurrency", function_folders()),
            ephemeral=ephemeral,
            adopt={} if ephemeral else adopt,
        )
        if settings.log_retention_days and settings.log_retention_days not in LOG_RETENTION_DAYS:
            periods = ", ".join(str(days) for days in sorted(LOG_RETENTION_DAYS))
            read.problems.append(f"spaceport:logRetentionDays must be one of {periods}")
        if read.problems:
            raise SettingsError(read.problems)
        return settings


class _Reader:
    """Reads values and collects what is wrong with them; a wrong one reads as an empty value."""

    def __init__(self, config: pulumi.Config) -> None:
        self._config = config
        self.problems: list[str] = []

    def text(self, key: str, pattern: str, meaning: str) -> str:
        value = self._config.get(key)
        if not value:
            self._wrong(key, f"is missing; it must be {meaning}")
            return ""
        if not re.fullmatch(pattern, value.strip()):
            self._wrong(key, f"must be {meaning}")
        return value.strip()

    def optional_text(self, key: str, pattern: str, meaning: str) -> str | None:
        return self.text(key, pattern, meaning) if self._config.get(key) else None

    def texts(self, key: str, pattern: str, meaning: str) -> tuple[str, ...]:
        value = self._json(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not value:
            self._wrong(key, f"must be a list of at least one; each {meaning}")
            return ()
        wrong = [item for item in value if not isinstance(item, str) or not re.fullmatch(pattern, item)]
        if wrong:
            self._wrong(key, f"has {', '.join(map(repr, wrong))}; each must be {meaning}")
        return tuple(str(item) for item in value)

    def flag(self, key: str) -> bool:
        value = self._config.get(key)
        if value not in ("true", "false"):
            self._wrong(key, "must be true or false" if value else "is missing; it must be true or false")
        return value == "true"

    def whole_number(self, key: str, minimum: int, maximum: int) -> int:
        value = self._config.get(key)
        if not value or not re.fullmatch(r"\d{1,9}", value) or not minimum <= int(value) <= maximum:
            self._wrong(key, f"must be a whole number from {minimum} to {maximum}")
            return 0
        return int(value)

    def domain(self, what: str, region: str | None) -> Domain | None:
        """Read `<what>Domain` and `<what>CertificateArn`, which come together."""
        keys = f"{what}Domain", f"{what}CertificateArn"
        values = [self._config.get(key) or "" for key in keys]
        if not any(values):
            return None
        if not all(values):
            self._wrong(
                keys[1 if values[0] else 0], f"is missing: it goes with spaceport:{keys[not values[0]]}"
            )
            return None
        name, certificate = values
        if not re.fullmatch(_DOMAIN, name):
            self._wrong(keys[0], "must be a domain name in lower case")
        found = re.fullmatch(_CERTIFICATE, certificate)
        if not found or found["region"] != region:
            self._wrong(keys[1], f"must be the ARN of an ACM certificate in {region}")
        return Domain(name, certificate)

    def digests(self, key: str) -> dict[str, str]:
        value = self._json(key)
        if not value:
            return {}
        if not isinstance(value, dict) or set(value) != set(STEPS):
            self._wrong(key, f"must be empty or have a digest for each of {', '.join(STEPS)}")
            return {}
        wrong = [step for step, digest in value.items() if not re.fullmatch(_DIGEST, str(digest))]
        if wrong:
            self._wrong(key, f"must have digests such as sha256:1f..; {', '.join(wrong)} has not")
        return {step: str(digest) for step, digest in value.items()}

    def shares(self, key: str, names: Collection[str]) -> dict[str, int]:
        value = self._json(key)
        if value is None:
            return {}
        if not isinstance(value, dict) or set(value) - set(names):
            self._wrong(key, f"must be a map from functions ({', '.join(sorted(names))}) to whole numbers")
            return {}
        wrong = [name for name, share in value.items() if type(share) is not int or share < 0]
        if wrong:
            self._wrong(key, f"must have whole numbers of calls; {', '.join(wrong)} has not")
            return {}
        return value

    def adoptions(self, key: str) -> dict[str, Adoption]:
        value = self._json(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._wrong(key, "must be a map from our names to {id, ignoreChanges, absent}")
            return {}
        unknown = sorted(set(value) - ADOPTABLE)
        if unknown:
            self._wrong(
                key, f"names {', '.join(unknown)}; these can be adopted: {', '.join(sorted(ADOPTABLE))}"
            )
        return {name: self._adoption(f"{key}.{name}", entry) for name, entry in value.items()}

    def _adoption(self, key: str, entry: object) -> Adoption:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or set(entry) - _ADOPTION_KEYS:
            self._wrong(key, "must be a map with an id and, if need be, ignoreChanges and absent")
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
            self._wrong(key, "has ignoreChanges or absent that is no list of names")
            return ()
        return tuple(value)

    def _json(self, key: str) -> object:
        value = self._config.get(key)
        if not value:
            self._wrong(key, "is missing")
            return None
        try:
            parsed: object = json.loads(value)
        except ValueError:
            self._wrong(key, "must be a list or a map")
            return None
        return parsed

    def _wrong(self, key: str, problem: str) -> None:
        self.problems.append(f"spaceport:{key} {problem}")
