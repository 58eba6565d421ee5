"""The stack's settings: Pulumi config, read once and checked as a whole."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.adopt import ADOPTABLE, Adoption

LOG_RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
ARCHITECTURES = ("arm64", "x86_64")
MAX_TRAINING_MINUTES = 5 * 24 * 60
"""SageMaker's own limit of a training job."""
MAX_BUDGET_USD = 1_000_000
_NAME = r"[a-z][a-z0-9-]{0,30}"
_ORIGIN = r"https?://[a-z0-9.-]+(:\d{1,5})?"
_MAIL_ADDRESS = r"[^@\s]+@(?P<domain>[a-z0-9-]+(\.[a-z0-9-]+)+)"
_RUNTIME = r"python3\.\d{1,2}"
_STAGE_NAME = r"[A-Za-z0-9_-]{1,128}"
_INSTANCE_TYPE = r"ml\.[a-z0-9-]+\.[a-z0-9]+"
_PUBLIC_KEY = r"-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*"
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
class Settings:
    """The checked settings; `Pulumi.yaml` describes each.

    Attributes:
        region: From `aws:region`.
        alarm_emails: Who is told of alarms; nobody only in an ephemeral stack.
        monthly_budget_usd: None in an ephemeral stack, which has no budget.
        delivery_url: None where the distribution's own address is meant; no trailing slash.
        adopt: Empty in an ephemeral stack, whatever the config says: a branch stack starts from staging's
            file.
    """

    region: str
    environment: str
    allowed_origins: tuple[str, ...]
    mail_from: str
    alarm_emails: tuple[str, ...]
    monthly_budget_usd: int | None
    delivery_public_key: str
    delivery_private_key_secret: str
    delivery_url: str | None
    api_stage_name: str
    function_runtime: str
    function_architecture: str
    processing_instance_type: str
    compressor_instance_type: str
    training_instance_types: tuple[str, ...]
    use_spot: bool
    max_training_minutes: int
    log_retention_days: int
    ephemeral: bool
    adopt: Mapping[str, Adoption]

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
        budget = read.whole_number("monthlyBudgetUsd", 1, MAX_BUDGET_USD)
        settings = cls(
            region=region or "",
            environment=read.text("environment", _NAME, "a short name in lower case"),
            allowed_origins=read.texts(
                "allowedOrigins", _ORIGIN, "an origin such as https://app.example.com, no path"
            ),
            mail_from=read.text("mailFrom", _MAIL_ADDRESS, "a mail address in lower case"),
            alarm_emails=read.texts(
                "alarmEmails", _MAIL_ADDRESS, "a mail address in lower case", may_be_empty=ephemeral
            ),
            monthly_budget_usd=None if ephemeral else budget,
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
            max_training_minutes=read.whole_number("maxTrainingMinutes", 1, MAX_TRAINING_MINUTES),
            log_retention_days=read.whole_number("logRetentionDays", 1, max(LOG_RETENTION_DAYS)),
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

    def texts(self, key: str, pattern: str, meaning: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
        value = self._json(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not (value or may_be_empty):
            self._wrong(key, f"must be a list{'' if may_be_empty else ' of at least one'}; each {meaning}")
            return ()
        wrong = [item for item in value if not isinstance(item, str) or not re.fullmatch(pattern, item)]
        if wrong:
            self._wrong(key, f"has {', '.join(map(repr, wrong))}; each must be {meaning}")
        elif len(set(value)) < len(value):
            self._wrong(key, "names something twice")
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
