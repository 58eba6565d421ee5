"""AWS IAM: roles and their policies."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

import json
from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration, present


class Role(Kind):
    """A role with its trust policy, inline policies and attached managed policies."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:iam/role:Role",)

    def create(self, registration: Registration) -> str:
        iam = registration.client("iam")
        inputs = registration.inputs
        name = registration.physical_name(limit=64)
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=registration.document("assumeRolePolicy"),
            Tags=registration.tag_list(),
            **present(
                Path=inputs.get("path"),
                Description=inputs.get("description"),
                MaxSessionDuration=inputs.get("maxSessionDuration"),
                PermissionsBoundary=inputs.get("permissionsBoundary"),
            ),
        )
        for index, policy in enumerate(inputs.get("inlinePolicies") or []):
            iam.put_role_policy(
                RoleName=name,
                PolicyName=policy.get("name", f"inline-{index}"),
                PolicyDocument=_document(policy.whole("policy")),
            )
        for arn in inputs.get("managedPolicyArns") or []:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        inputs.ignore("forceDetachPolicies", because="a role's policies are always removed with it here")
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        role = registration.client("iam").get_role(RoleName=registration.id)["Role"]
        return {"name": role["RoleName"], "arn": role["Arn"], "uniqueId": role["RoleId"]}

    def delete(self, registration: Registration) -> None:
        iam = registration.client("iam")
        name = registration.id
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
        iam.delete_role(RoleName=name)


class RolePolicy(Kind):
    """An inline policy of a role."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:iam/rolePolicy:RolePolicy",)

    def create(self, registration: Registration) -> str:
        role = registration.inputs["role"]
        name = registration.physical_name(limit=128)
        registration.client("iam").put_role_policy(
            RoleName=role, PolicyName=name, PolicyDocument=registration.document("policy")
        )
        return f"{role}:{name}"

    def read(self, registration: Registration) -> dict[str, Any]:
        role, _, name = registration.id.partition(":")
        registration.client("iam").get_role_policy(RoleName=role, PolicyName=name)
        return {"name": name, "role": role}

    def delete(self, registration: Registration) -> None:
        role, _, name = registration.id.partition(":")
        registration.client("iam").delete_role_policy(RoleName=role, PolicyName=name)


class RolePolicyAttachment(Kind):
    """A managed policy attached to a role."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:iam/rolePolicyAttachment:RolePolicyAttachment",)
    importable: ClassVar[bool] = False

    def create(self, registration: Registration) -> str:
        role, arn = registration.inputs["role"], registration.inputs["policyArn"]
        registration.client("iam").attach_role_policy(RoleName=role, PolicyArn=arn)
        return f"{role}/{arn}"

    def read(self, registration: Registration) -> dict[str, Any]:
        role, _, arn = registration.id.partition("/")
        return {"role": role, "policyArn": arn}

    def delete(self, registration: Registration) -> None:
        role, _, arn = registration.id.partition("/")
        registration.client("iam").detach_role_policy(RoleName=role, PolicyArn=arn)


class Policy(Kind):
    """A managed policy."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:iam/policy:Policy",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        made = registration.client("iam").create_policy(
            PolicyName=registration.physical_name(limit=128),
            PolicyDocument=registration.document("policy"),
            Tags=registration.tag_list(),
            **present(Path=inputs.get("path"), Description=inputs.get("description")),
        )
        arn: str = made["Policy"]["Arn"]
        return arn

    def read(self, registration: Registration) -> dict[str, Any]:
        policy = registration.client("iam").get_policy(PolicyArn=registration.id)["Policy"]
        return {"arn": policy["Arn"], "name": policy["PolicyName"], "policyId": policy["PolicyId"]}

    def delete(self, registration: Registration) -> None:
        registration.client("iam").delete_policy(PolicyArn=registration.id)


def _document(value: Any) -> str:  # noqa: ANN401 - a text or an object
    return value if isinstance(value, str) else json.dumps(value)
