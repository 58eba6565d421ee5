"""Who may sign in: two pools of invited people."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.adopt import Retention
from components.base import Component

ACCESS_TOKEN_MINUTES = 60
REFRESH_TOKEN_DAYS = 30
TEMPORARY_PASSWORD_DAYS = 7
MIN_PASSWORD_LENGTH = 8
ADMIN_GROUP = "admins"
"""People who may invite others; in every pool."""


class UserPool(Component):
    """A pool of people whom administrators invite, its groups and its web client.

    Attributes:
        id: Id of the pool.
        arn: Its ARN.
        client_id: Id of the web client.
        group: Group of the invited people.
        handle_required: Whether an invitation must give a handle.
    """

    TYPE: ClassVar[str] = "spaceport:identity:UserPool"
    id: pulumi.Output[str]
    arn: pulumi.Output[str]
    client_id: pulumi.Output[str]
    group: str
    handle_required: bool

    def __init__(
        self,
        name: str,
        *,
        group: str,
        handle_required: bool,
        mails: aws.cognito.UserPoolEmailConfigurationArgsDict,
        retention: Retention,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the pool.

        Args:
            name: Logical name.
            group: Group of the invited people.
            handle_required: Whether `preferred_username` is given at the invitation and stays; otherwise its
                owner chooses and changes it.
            mails: How its mails are sent.
            retention: How it is kept.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        self.group = group
        self.handle_required = handle_required
        pool = aws.cognito.UserPool(
            name,
            alias_attributes=["email"],
            auto_verified_attributes=["email"],
            username_configuration={"case_sensitive": False},
            admin_create_user_config={"allow_admin_create_user_only": True},
            password_policy={
                "minimum_length": MIN_PASSWORD_LENGTH,
                "require_lowercase": True,
                "require_uppercase": True,
                "require_numbers": True,
                "require_symbols": False,
                "temporary_password_validity_days": TEMPORARY_PASSWORD_DAYS,
            },
            account_recovery_setting={"recovery_mechanisms": [{"name": "verified_email", "priority": 1}]},
            schemas=[
                _text_attribute("email", required=True, mutable=True),
                _text_attribute("preferred_username", required=handle_required, mutable=not handle_required),
            ],
            email_configuration=mails,
            deletion_protection="INACTIVE" if retention.ephemeral else "ACTIVE",
            opts=retention.stateful(name, parent=self),
        )
        self.id = pool.id
        self.arn = pool.arn
        aws.cognito.UserGroup(
            f"{name}-group",
            name=group,
            description="People who have been invited.",
            user_pool_id=pool.id,
            opts=retention.stateful(f"{name}-group", parent=self),
        )
        aws.cognito.UserGroup(
            f"{name}-admins",
            name=ADMIN_GROUP,
            description="People who may invite others.",
            user_pool_id=pool.id,
            opts=retention.stateful(f"{name}-admins", parent=self),
        )
        client = aws.cognito.UserPoolClient(
            f"{name}-client",
            user_pool_id=pool.id,
            generate_secret=False,
            explicit_auth_flows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            access_token_validity=ACCESS_TOKEN_MINUTES,
            id_token_validity=ACCESS_TOKEN_MINUTES,
            refresh_token_validity=REFRESH_TOKEN_DAYS,
            token_validity_units={"access_token": "minutes", "id_token": "minutes", "refresh_token": "days"},
            opts=retention.stateful(f"{name}-client", parent=self),
        )
        self.client_id = client.id
        self.register_outputs({"id": self.id, "arn": self.arn, "client_id": self.client_id})


class Identity(Component):
    """Both pools; every API that needs a person takes either.

    Attributes:
        v2: People with a fixed handle.
        v3: People who choose their handle.
    """

    TYPE: ClassVar[str] = "spaceport:identity:Identity"
    v2: UserPool
    v3: UserPool

    def __init__(
        self,
        name: str,
        *,
        mails: aws.cognito.UserPoolEmailConfigurationArgsDict,
        retention: Retention,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts=opts)
        self.v2 = UserPool(
            "user-pool-v2",
            group="beta-testers-v2",
            handle_required=True,
            mails=mails,
            retention=retention,
            opts=self._child(),
        )
        self.v3 = UserPool(
            "user-pool-v3",
            group="beta-testers-v3",
            handle_required=False,
            mails=mails,
            retention=retention,
            opts=self._child(),
        )
        self.register_outputs({"v2": self.v2.id, "v3": self.v3.id})

    @property
    def outputs(self) -> dict[str, pulumi.Output[str]]:
        """What the stack tells of it."""
        return {
            "userPoolV2Id": self.v2.id,
            "userPoolV2ClientId": self.v2.client_id,
            "userPoolV3Id": self.v3.id,
            "userPoolV3ClientId": self.v3.client_id,
        }

    @property
    def pool_arns(self) -> list[pulumi.Output[str]]:
        """ARNs of both pools."""
        return [self.v2.arn, self.v3.arn]


def _text_attribute(name: str, *, required: bool, mutable: bool) -> aws.cognito.UserPoolSchemaArgsDict:
    return {
        "name": name,
        "attribute_data_type": "String",
        "required": required,
        "mutable": mutable,
        # Cognito's own limits: left out, the provider would see a change in every update.
        "string_attribute_constraints": {"min_length": "0", "max_length": "2048"},
    }
