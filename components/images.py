"""The containers: a repository each, and the image that is built into it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pulumi
import pulumi_aws as aws
import pulumi_awsx as awsx

from components.adopt import Retention
from components.base import Component
from components.content_hash import content_hash
from components.definition import STEPS

CONTEXT = Path(__file__).resolve().parent.parent / "images"
PLATFORM = "linux/amd64"
KEEP_IMAGES = 20
_COMMON = "common"


def image_tag(name: str, context: Path = CONTEXT) -> str:
    """Tag of an image: a digest of all that it is built from.

    Args:
        name: Folder of the image below the context.
        context: The build context.

    Raises:
        FileNotFoundError: The folder, or the common one, is missing.
    """
    return content_hash(context, [_COMMON, name])


class Image(Component):
    """One container image and its repository.

    Nothing that runs is deleted: a new image has a new tag, a replaced one stays, and the repository keeps
    the last ones whatever their tags.

    Attributes:
        uri: Address of the image by its digest.
        repository_arn: ARN of its repository.
    """

    TYPE: ClassVar[str] = "spaceport:images:Image"
    uri: pulumi.Output[str]
    repository_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        digest: str | None,
        retention: Retention,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the repository and, unless it is there already, the image.

        Args:
            name: Folder of the image below `images/`, which is also the step that it does.
            digest: Of the image that CI has pushed; None to build it here.
            retention: How the repository is kept.
            opts: The component's options.
        """
        super().__init__(f"{name}-image", opts=opts)
        repository = aws.ecr.Repository(
            f"{name}-repository",
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            force_delete=retention.ephemeral,
            opts=retention.stateful(f"{name}-repository", parent=self),
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-lifecycle",
            repository=repository.name,
            policy=json.dumps(
                {
                    "rules": [
                        {
                            "rulePriority": 1,
                            "description": "Keep the last images, whatever their tags.",
                            "selection": {
                                "tagStatus": "any",
                                "countType": "imageCountMoreThan",
                                "countNumber": KEEP_IMAGES,
                            },
                            "action": {"type": "expire"},
                        }
                    ]
                }
            ),
            opts=self._child(),
        )
        self.uri = (
            pulumi.Output.concat(repository.repository_url, "@", digest)
            if digest
            else self._build(name, repository)
        )
        self.repository_arn = repository.arn
        self.register_outputs({"uri": self.uri, "repository_arn": self.repository_arn})

    def _build(self, name: str, repository: aws.ecr.Repository) -> pulumi.Output[str]:
        image = awsx.ecr.Image(
            f"{name}-build",
            repository_url=repository.repository_url,
            context="./images",
            dockerfile=f"./images/{name}/Dockerfile",
            platform=PLATFORM,
            # awsx would tag by the context's path, which never changes.
            image_tag=image_tag(name),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        uri: pulumi.Output[str] = image.image_uri
        return uri


class Images(Component):
    """The images of the pipeline's three steps."""

    TYPE: ClassVar[str] = "spaceport:images:Images"
    sfm: Image
    training: Image
    compressor: Image

    def __init__(
        self,
        name: str,
        *,
        digests: Mapping[str, str],
        retention: Retention,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts=opts)
        self.sfm, self.training, self.compressor = (
            Image(step, digest=digests.get(step), retention=retention, opts=self._child()) for step in STEPS
        )
        self.register_outputs(
            {"sfm": self.sfm.uri, "training": self.training.uri, "compressor": self.compressor.uri}
        )
