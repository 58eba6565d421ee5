"""Amazon ECR repositories."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration, present


class Repository(Kind):
    """A repository of container images."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:ecr/repository:Repository", "awsx:ecr:Repository")

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        name = registration.physical_name(lower=True)
        encryption = inputs.whole("encryptionConfigurations")
        registration.client("ecr").create_repository(
            repositoryName=name,
            imageTagMutability=inputs.get("imageTagMutability", "MUTABLE"),
            tags=registration.tag_list(),
            **present(
                imageScanningConfiguration=inputs.whole("imageScanningConfiguration"),
                encryptionConfiguration=encryption[0] if encryption else None,
            ),
        )
        registration.notes["force"] = inputs.get("forceDelete", False)
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("ecr").describe_repositories(repositoryNames=[registration.id])[
            "repositories"
        ][0]
        return {
            "name": registration.id,
            "arn": found["repositoryArn"],
            "registryId": found["registryId"],
            "repositoryUrl": found["repositoryUri"],
            "url": found["repositoryUri"],
        }

    def delete(self, registration: Registration) -> None:
        registration.client("ecr").delete_repository(
            repositoryName=registration.id, force=registration.notes.get("force", False)
        )


class LifecyclePolicy(Kind):
    """Which images a repository forgets."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:ecr/lifecyclePolicy:LifecyclePolicy",)

    def create(self, registration: Registration) -> str:
        repository: str = registration.inputs["repository"]
        registration.client("ecr").put_lifecycle_policy(
            repositoryName=repository, lifecyclePolicyText=registration.document("policy")
        )
        return repository

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("ecr").get_lifecycle_policy(repositoryName=registration.id)
        return {"repository": registration.id, "registryId": found["registryId"]}

    def delete(self, registration: Registration) -> None:
        registration.client("ecr").delete_lifecycle_policy(repositoryName=registration.id)


class RepositoryPolicy(Kind):
    """Who may pull from a repository or push to it."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:ecr/repositoryPolicy:RepositoryPolicy",)

    def create(self, registration: Registration) -> str:
        repository: str = registration.inputs["repository"]
        registration.client("ecr").set_repository_policy(
            repositoryName=repository, policyText=registration.document("policy")
        )
        return repository

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("ecr").get_repository_policy(repositoryName=registration.id)
        return {"repository": registration.id, "registryId": found["registryId"]}

    def delete(self, registration: Registration) -> None:
        registration.client("ecr").delete_repository_policy(repositoryName=registration.id)
