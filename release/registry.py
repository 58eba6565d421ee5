"""ECR, and the tools that put images into it."""

import base64
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from components.images import PLATFORM

Client = Any
_NOT_THERE = "ImageNotFoundException"


class ImagesError(Exception):
    """An image cannot be had; the message says why and what to do."""


@dataclass(frozen=True)
class Repository:
    """A repository of images.

    Attributes:
        url: Its address, `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`.
    """

    url: str

    @property
    def host(self) -> str:
        """The registry that it is in."""
        return self.url.partition("/")[0]

    @property
    def name(self) -> str:
        """Its name there."""
        return self.url.partition("/")[2]


def digest_of(ecr: Client, repository: Repository, tag: str) -> str | None:
    """Look up the digest that a tag stands for; None where there is no such tag."""
    try:
        found = ecr.describe_images(repositoryName=repository.name, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if error.response["Error"]["Code"] == _NOT_THERE:
            return None
        raise
    details = found["imageDetails"]
    return str(details[0]["imageDigest"]) if details else None


def write_login(ecr: Client, host: str, folder: Path) -> None:
    """Write a `config.json` as Docker keeps it, with a token for the registry that holds for 12 hours.

    Args:
        ecr: ECR, with the credentials of whom it shall be.
        host: The registry.
        folder: Where to; nobody else may read the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"auths": {host: {"auth": _token(ecr)}}}))


def _token(ecr: Client) -> str:
    return str(ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"])


def build(ecr: Client, step: str, repository: Repository, tag: str, context: Path) -> str:
    """Build an image and push it under a tag.

    Args:
        ecr: ECR.
        step: Folder of the image below the context.
        repository: Where to.
        tag: Under which tag.
        context: The build context.

    Returns:
        Its digest.

    Raises:
        ImagesError: There is no Docker or no buildx, it fails, or the registry has got something else.
    """
    _need_buildx(step)
    user, _, password = base64.b64decode(_token(ecr)).decode().partition(":")
    login = ("docker", "login", "--username", user, "--password-stdin", repository.host)
    _run(*login, given=password)
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder) / "metadata.json"
        _run(
            *("docker", "buildx", "build", "--push", "--platform", PLATFORM),
            # An attestation would make the image an index, which SageMaker does not take.
            *("--provenance=false", "--sbom=false"),
            *("--tag", f"{repository.url}:{tag}", "--file", str(context / step / "Dockerfile")),
            *("--metadata-file", str(metadata), str(context)),
        )
        digest = str(json.loads(metadata.read_text())["containerimage.digest"])
    return _pushed(ecr, repository, tag, digest)


def copy(ecr: Client, source: Repository, digest: str, login: Path, repository: Repository, tag: str) -> str:
    """Copy an image from one repository to another, byte for byte.

    Args:
        ecr: ECR of the repository that it goes to.
        source: Where it is.
        digest: Which one.
        login: Folder of the `config.json` for the source.
        repository: Where to.
        tag: Under which tag.

    Returns:
        Its digest, the same.

    Raises:
        ImagesError: There is no skopeo, it fails, or the registry has got something else.
    """
    if shutil.which("skopeo") is None:
        raise ImagesError(f"there is no skopeo here, which copies {source.name}: install it")
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder)
        write_login(ecr, repository.host, ours)
        _run(
            *("skopeo", "copy", "--preserve-digests"),
            *("--src-authfile", str(login / "config.json"), "--dest-authfile", str(ours / "config.json")),
            *(f"docker://{source.url}@{digest}", f"docker://{repository.url}:{tag}"),
        )
    return _pushed(ecr, repository, tag, digest)


def _pushed(ecr: Client, repository: Repository, tag: str, digest: str) -> str:
    there = digest_of(ecr, repository, tag)
    if there != digest:
        raise ImagesError(
            f"{repository.url}:{tag} should be {digest}, and the registry has {there or 'none'}"
        )
    return digest


def _need_buildx(step: str) -> None:
    if shutil.which("docker") is None:
        raise ImagesError(f"there is no Docker here, which builds {step}: install it, or let CI build")
    if subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode != 0:
        raise ImagesError(f"Docker has no buildx here, which builds {step}: install docker-buildx-plugin")


def _run(*command: str, given: str | None = None) -> None:
    done = subprocess.run(command, input=given, text=True, check=False)
    if done.returncode != 0:
        raise ImagesError(
            f"`{' '.join(command[:3])}` ended with exit code {done.returncode}; it says why above"
        )
