"""Container images built by awsx: here nothing is built; the registry knows how to run the sources."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

import hashlib
import json
import tempfile
import threading
from pathlib import Path
from typing import Any, ClassVar

from local.deploy.dockerfile import DockerfileError, content_digest, local_command, parse
from local.deploy.kinds import Kind, Registration

REPOSITORY_ROOT = Path(__file__).resolve().parents[3]
# What earlier build stages make, by its path there: `make setup` makes the same on this machine; None is what
# the environment that jobs run in has itself.
BUILT: dict[str, Path | None] = {
    "/viewer/page": REPOSITORY_ROOT / "build" / "viewer",
    "/opt/packages": None,
}
# Who asks for it otherwise than by its place in the image.
FOUND_BY = {"/viewer/page": "SPACEPORT_VIEWER_DIR"}
_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_registry_lock = threading.Lock()


class Image(Kind):
    """An image: a manifest in the repository under the digest of the sources, and how to run the sources."""

    tokens: ClassVar[tuple[str, ...]] = ("awsx:ecr:Image", "awsx:ecr/image:Image")
    importable: ClassVar[bool] = False

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        context = (registration.project_dir / inputs.get("context", ".")).resolve()
        # Docker, and awsx with it, looks for the Dockerfile from the working folder, not from the context.
        dockerfile = inputs.get("dockerfile")
        path = (registration.project_dir / dockerfile).resolve() if dockerfile else context / "Dockerfile"
        if not path.is_file():
            raise DockerfileError(f"there is no Dockerfile {path}")
        inputs.ignore(
            "platform",
            "args",
            "cacheFrom",
            "builderVersion",
            "target",
            because="nothing is built here: the sources run with this machine's libraries",
        )
        root = registration.cloud.run_dir / "images" / registration.name
        command, digest = from_sources(path, context, root)
        repository = inputs["repositoryUrl"]
        uri = f"{repository}@{self._push(registration, repository, digest)}"
        _add_to_registry(registration.cloud.image_registry, uri, command)
        registration.notes |= {"repository": repository, "uri": uri}
        return uri

    def read(self, registration: Registration) -> dict[str, Any]:
        return {"imageUri": registration.id}

    def delete(self, registration: Registration) -> None:
        name, digest = _split(registration.id)
        registration.client("ecr").batch_delete_image(repositoryName=name, imageIds=[{"imageDigest": digest}])
        _add_to_registry(registration.cloud.image_registry, registration.id, None)

    @staticmethod
    def _push(registration: Registration, repository: str, content: str) -> str:
        configuration = json.dumps(
            {"config": {"Labels": {"spaceport.content": content}}}, sort_keys=True
        ).encode()
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MANIFEST_TYPE,
                "config": {
                    "mediaType": "application/vnd.oci.image.config.v1+json",
                    "size": len(configuration),
                    "digest": f"sha256:{hashlib.sha256(configuration).hexdigest()}",
                },
                "layers": [],
            },
            sort_keys=True,
        )
        tag = registration.inputs.get("imageTag") or content[:12]
        pushed = registration.client("ecr").put_image(
            repositoryName=repository.partition("/")[2],
            imageManifest=manifest,
            imageManifestMediaType=_MANIFEST_TYPE,
            imageTag=tag,
        )
        digest: str = pushed["image"]["imageId"]["imageDigest"]
        return digest


def from_sources(dockerfile: Path, context: Path, root: Path) -> tuple[dict[str, Any], str]:
    """Gives how an image's command runs on this machine, and the digest of what the image is made of.

    Args:
        dockerfile: The image's.
        context: The build context.
        root: Folder that stands for the image's `/`; made where it is not there.

    Raises:
        DockerfileError: The image is made in a way that cannot be followed here.
    """
    text = dockerfile.read_text()
    root.mkdir(parents=True, exist_ok=True)
    try:
        image = parse(text)
        digest = content_digest(image, context, text)
        command = local_command(image, context, root, built=BUILT)
    except DockerfileError as error:
        raise DockerfileError(f"{dockerfile}: {error}") from error
    for copy in image.copies:
        if copy.stage is not None:
            found = {FOUND_BY[path]: str(BUILT[path]) for path in copy.sources if path in FOUND_BY}
            command["env"] = found | command["env"]
    return command, digest


def _split(uri: str) -> tuple[str, str]:
    repository, _, digest = uri.partition("@")
    return repository.partition("/")[2], digest


def _add_to_registry(path: Path, uri: str, command: dict[str, Any] | None) -> None:
    """Writes one entry, or takes it out; readers never see half a file."""
    with _registry_lock:
        entries = json.loads(path.read_text()) if path.exists() else {}
        if command is None:
            entries.pop(uri, None)
        else:
            entries[uri] = command
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as half:
            json.dump(entries, half, indent=2)
        Path(half.name).replace(path)
