"""What the tests of bootstrap do in an embedded cloud: run it, and take its roles as GitHub would."""

import base64
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any
from unittest.mock import patch

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from bootstrap.__main__ import main
from bootstrap.installation import AUDIENCE, GITHUB_HOST, Installation
from local.cloud import EmbeddedCloud
from local.deploy.model import Cloud

REPOSITORY = "owner/repo"
REFUSALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}

Client = Any
Keys = Mapping[str, str]


def token(subject: str, *, audience: str = AUDIENCE, issuer: str = f"https://{GITHUB_HOST}") -> str:
    """A token as GitHub writes it, but for the signature, which MiniStack does not look at."""

    def part(content: Mapping[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part({'iss': issuer, 'aud': audience, 'sub': subject})}."


class AccountKit:
    """An account, as its administrator sees it."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self.cloud = cloud

    def run(self, *arguments: str, keys: tuple[str, str] | None = None) -> tuple[int, str]:
        """Run bootstrap's command line as the root user, or with a user's keys; its exit code and words."""
        with self._environment(keys or (self.cloud.account, "test")), redirect_stdout(io.StringIO()) as said:
            code = main(arguments)
        return code, said.getvalue()

    @contextmanager
    def _environment(self, given: tuple[str, str]) -> Iterator[None]:
        keys = {
            "AWS_ENDPOINT_URL": self.cloud.endpoint,
            "AWS_ACCESS_KEY_ID": given[0],
            "AWS_SECRET_ACCESS_KEY": given[1],
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with patch.dict(os.environ, {**kept, **keys}, clear=True):
            yield

    def up(self, qualifier: str, *more: str, environment: str | None = None) -> str:
        """Run `up` for an installation whose stacks have no files; what it says."""
        deploys = ("--environment", environment or qualifier)
        code, said = self.run(
            *("up", "--qualifier", qualifier, "--region", self.cloud.region),
            *("--repository", REPOSITORY, *deploys, *more),
        )
        assert code == 0, said
        return said

    def installation(self, qualifier: str) -> Installation:
        return Installation(self.cloud.account, self.cloud.region, qualifier)

    def assume(self, role: str, web_identity: str) -> Keys:
        """Take a role with a token.

        Raises:
            ClientError: The role does not trust it.
        """
        sts = boto3.client(
            "sts",
            region_name=self.cloud.region,
            endpoint_url=self.cloud.endpoint,
            aws_access_key_id="nobody",
            aws_secret_access_key="nobody",
        )
        arn = f"arn:aws:iam::{self.cloud.account}:role/{role}"
        return self.keys(
            sts.assume_role_with_web_identity(
                RoleArn=arn, RoleSessionName="ci", WebIdentityToken=web_identity
            )
        )

    @staticmethod
    def keys(answer: Mapping[str, Any]) -> Keys:
        """Read the keys in an answer of STS, as boto3 takes them."""
        given = answer["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def deployer(self, qualifier: str) -> Keys:
        """Take the deploy role of an installation made by `up`."""
        role = self.installation(qualifier).deploy_role
        return self.assume(role, token(f"repo:{REPOSITORY}:environment:{qualifier}"))

    def previewer(self, qualifier: str) -> Keys:
        """Take the preview role of an installation made by `up`."""
        return self.assume(
            self.installation(qualifier).preview_role, token(f"repo:{REPOSITORY}:pull_request")
        )

    def as_role(self, keys: Keys) -> Callable[[str], Client]:
        """Give clients that act with a role's keys."""
        made: dict[str, Client] = {}
        make: Any = boto3.client
        config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})

        def client(service: str) -> Client:
            if service not in made:
                made[service] = make(
                    service,
                    region_name=self.cloud.region,
                    endpoint_url=self.cloud.endpoint,
                    config=config,
                    **keys,
                )
            return made[service]

        return client


class Acting:
    """A client of whoever is to act at the moment; counts the calls."""

    def __init__(self, service: str, stage: "Stage") -> None:
        self._service, self._stage = service, stage

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        self._stage.calls += 1
        return getattr(self._stage.actor(self._service), name)


class Stage:
    """A cloud as the deployer sees it, whose clients act for whom one says.

    Attributes:
        actor: Gives the clients of whoever acts.
        calls: How often anything of a client was asked for.
    """

    def __init__(self, cloud: EmbeddedCloud, actor: Callable[[str], Client]) -> None:
        self._cloud, self.actor, self.calls = cloud, actor, 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what the cloud has
        return getattr(self._cloud, name)

    def client(self, service: str) -> Client:
        return Acting(service, self)


def as_cloud(stage: Stage) -> Cloud:
    """A stage is a cloud, though no type says so."""
    cloud: Any = stage
    return cloud


def is_refused(call: Callable[[], object]) -> bool:
    """Make a call; whether IAM refuses it. Any other answer says that the right is there."""
    try:
        call()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise
        return error.response["Error"]["Code"] in REFUSALS
    return False
