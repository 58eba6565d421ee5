"""Which installation of the program: account, qualifier, repository; and what everything of it is called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PROJECT = "spaceport"
"""Name of the Pulumi project, and with it the beginning of all names."""
OWN = f"{PROJECT}-bootstrap"
"""Beginning of the names of what bootstrap makes; no stack may be called so."""
COST_TAG = "cost-center"
"""Tag that the program puts on all that it makes: project and stack."""
SHARED_TAGS = {"project": PROJECT, COST_TAG: OWN, "managed-by": OWN}
"""Tags of all that bootstrap makes; no deploy role may touch what bears this cost tag."""
GITHUB_HOST = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
MAX_QUALIFIER = 12
"""A bucket's name has 63 characters at most: with account and region this is what is left."""
_QUALIFIER = re.compile(r"[a-z][a-z0-9]*")
_REPOSITORY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?/[A-Za-z0-9._-]{1,100}")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9._ -]{1,255}")
_REF = re.compile(r"refs/(?:heads|tags)/[A-Za-z0-9._/-]+")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d")
_ADMINISTRATOR = re.compile(r"arn:aws:iam::\d{12}:(?:root|(?:user|role)/[\w+=,.@/*-]+)")


class BootstrapError(Exception):
    """Bootstrap cannot go on; the message says what is wrong and what to do."""


def signing_secret(qualifier: str) -> str:
    """Name of the secret with the private half of an installation's delivery key."""
    return f"{PROJECT}/{qualifier}/delivery-private-key"


@dataclass(frozen=True)
class Repository:
    """Whose workflows may act in the account.

    Attributes:
        name: `OWNER/REPO`, in the letters that GitHub shows.
        environment: GitHub Environment of the deploying job; None where a ref is given.
        ref: Git ref whose workflows deploy, such as `refs/heads/main`; None where an Environment is given.
        readers: Ends of GitHub's `sub` of further jobs that may look, besides those of pull requests, such as
            `ref:refs/heads/main` and `environment:production`.
    """

    name: str
    environment: str | None = None
    ref: str | None = None
    readers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what people have typed.

        Raises:
            BootstrapError: A value that GitHub would never send, or not exactly one of Environment and ref.
        """
        if not _REPOSITORY.fullmatch(self.name):
            raise BootstrapError(f"{self.name!r} is no repository: give OWNER/REPO as in its address")
        if (self.environment is None) == (self.ref is None):
            raise BootstrapError("give either a GitHub Environment or a ref that deploys, and not both")
        if self.environment is not None and not _ENVIRONMENT.fullmatch(self.environment):
            raise BootstrapError(f"{self.environment!r} is no name of a GitHub Environment")
        if self.ref is not None and not _REF.fullmatch(self.ref):
            raise BootstrapError(f"{self.ref!r} is no ref: give refs/heads/BRANCH or refs/tags/TAG")
        for reader in self.readers:
            kind, _, name = reader.partition(":")
            known = {"environment": _ENVIRONMENT, "ref": _REF}.get(kind)
            if known is None or not known.fullmatch(name):
                raise BootstrapError(
                    f"{reader!r} is no reader: give environment:NAME or ref:refs/heads/BRANCH, by which "
                    "GitHub knows the job"
                )

    @property
    def deploy_subject(self) -> str:
        """GitHub's `sub` of the deploying job."""
        if self.environment is not None:
            # GitHub writes colons of an Environment's name as %3A; the names taken here have none.
            return f"repo:{self.name}:environment:{self.environment}"
        return f"repo:{self.name}:ref:{self.ref}"

    @property
    def preview_subjects(self) -> tuple[str, ...]:
        """GitHub's `sub` of jobs that look: those of pull requests, and the readers."""
        return tuple(f"repo:{self.name}:{job}" for job in ("pull_request", *self.readers))


@dataclass(frozen=True)
class Installation:
    """One installation of the program in an account: one or more stacks with a state bucket of their own.

    Attributes:
        account: Number of the account.
        region: Its region.
        qualifier: Tells it from others in the account. Its stacks are called by it, or by it, a dash and
            more.
        administrators: ARNs of the users and roles, besides GitHub's, that may use the state; `*` may stand
            for a role's path.
        adopted: Ids of what the stacks adopt, by our names (`components/adopt.py`): it is named otherwise.
    """

    account: str
    region: str
    qualifier: str
    administrators: tuple[str, ...] = ()
    adopted: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what people have typed.

        Raises:
            BootstrapError: Naming the value that cannot be.
        """
        if not _QUALIFIER.fullmatch(self.qualifier):
            raise BootstrapError(
                f"the qualifier {self.qualifier!r} must be small letters and digits, a letter first: "
                "with a dash it could be the beginning of another one's names"
            )
        if len(self.qualifier) > MAX_QUALIFIER:
            raise BootstrapError(
                f"the qualifier {self.qualifier!r} has {len(self.qualifier)} characters, and "
                f"{MAX_QUALIFIER} are the most: it is part of a bucket's name"
            )
        if self.qualifier == "bootstrap":
            raise BootstrapError("the qualifier 'bootstrap' is what bootstrap's own things are called by")
        if not _REGION.fullmatch(self.region):
            raise BootstrapError(f"{self.region!r} is no region, such as us-west-2")
        wrong = [arn for arn in self.administrators if not _ADMINISTRATOR.fullmatch(arn)]
        if wrong:
            raise BootstrapError(f"{', '.join(wrong)} is no ARN of a user or role (arn:aws:iam::..:role/..)")

    @property
    def prefix(self) -> str:
        """Beginning of the names of what the stacks make, before the dash."""
        return f"{PROJECT}-{self.qualifier}"

    @property
    def own(self) -> str:
        """Beginning of the names of what bootstrap makes for it."""
        return f"{OWN}-{self.qualifier}"

    @property
    def state_bucket(self) -> str:
        """The bucket of the stacks' state."""
        return f"{self.own}-{self.account}-{self.region}"

    @property
    def key_alias(self) -> str:
        """Alias of the key of the stacks' secrets."""
        return f"alias/{self.own}"

    @property
    def signing_secret(self) -> str:
        """Name of the secret with the private half of the delivery's key."""
        return signing_secret(self.qualifier)

    @property
    def boundary(self) -> str:
        """ARN of the policy that bounds the stacks' roles."""
        return self.policy(f"{self.own}-boundary")

    @property
    def deploy_role(self) -> str:
        """Name of the role that deploys."""
        return f"{self.own}-deploy"

    @property
    def preview_role(self) -> str:
        """Name of the role that previews."""
        return f"{self.own}-preview"

    @property
    def provider(self) -> str:
        """ARN of GitHub's identity provider, one for the account."""
        return f"arn:aws:iam::{self.account}:oidc-provider/{GITHUB_HOST}"

    @property
    def tags(self) -> dict[str, str]:
        """Tags of what bootstrap makes for it alone."""
        return {**SHARED_TAGS, "qualifier": self.qualifier}

    def role(self, name: str) -> str:
        """ARN of a role."""
        return f"arn:aws:iam::{self.account}:role/{name}"

    def policy(self, name: str) -> str:
        """ARN of a policy."""
        return f"arn:aws:iam::{self.account}:policy/{name}"

    def has(self, stack: str) -> bool:
        """Whether a stack of this name is one of its."""
        return stack == self.qualifier or stack.startswith(f"{self.qualifier}-")
