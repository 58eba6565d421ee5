"""Amazon Cognito user pools."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration, pascal

_POOL_RENAMES = {"kmsKeyId": "KMSKeyID", "smsMessage": "SMSMessage"}
# boto3's name and shape is Pulumi's own with a capital letter.
_POOL_PLAIN = (
    "aliasAttributes",
    "autoVerifiedAttributes",
    "usernameAttributes",
    "mfaConfiguration",
    "smsAuthenticationMessage",
    "accountRecoverySetting",
    "adminCreateUserConfig",
    "deviceConfiguration",
    "emailConfiguration",
    "userPoolAddOns",
    "userPoolTier",
    "usernameConfiguration",
    "verificationMessageTemplate",
    "deletionProtection",
)
_CLIENT_PLAIN = (
    "generateSecret",
    "refreshTokenValidity",
    "accessTokenValidity",
    "idTokenValidity",
    "tokenValidityUnits",
    "readAttributes",
    "writeAttributes",
    "explicitAuthFlows",
    "supportedIdentityProviders",
    "allowedOauthFlows",
    "allowedOauthScopes",
    "allowedOauthFlowsUserPoolClient",
    "preventUserExistenceErrors",
    "enableTokenRevocation",
    "enablePropagateAdditionalUserContextData",
    "authSessionValidity",
)
_OAUTH = {
    "allowedOauthFlows": "AllowedOAuthFlows",
    "allowedOauthScopes": "AllowedOAuthScopes",
    "allowedOauthFlowsUserPoolClient": "AllowedOAuthFlowsUserPoolClient",
    "callbackUrls": "CallbackURLs",
    "logoutUrls": "LogoutURLs",
    "defaultRedirectUri": "DefaultRedirectURI",
}


class UserPool(Kind):
    """A user pool."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cognito/userPool:UserPool",)

    def create(self, registration: Registration) -> str:
        cognito = registration.client("cognito-idp")
        inputs = registration.inputs
        arguments = pascal(inputs.take(*_POOL_PLAIN), _POOL_RENAMES)
        for ours, theirs in (
            ("emailVerificationSubject", "EmailVerificationSubject"),
            ("emailVerificationMessage", "EmailVerificationMessage"),
        ):
            if ours in inputs:
                arguments[theirs] = inputs[ours]
        if "passwordPolicy" in inputs:
            arguments["Policies"] = {"PasswordPolicy": pascal(inputs.whole("passwordPolicy"))}
        if "lambdaConfig" in inputs:
            arguments["LambdaConfig"] = pascal(inputs.whole("lambdaConfig"), {"kmsKeyId": "KMSKeyID"})
        if "schemas" in inputs:
            arguments["Schema"] = pascal(inputs.whole("schemas"))
        # The provider calls EmailConfiguration's fields otherwise than the API in one place.
        email = arguments.get("EmailConfiguration", {})
        if "FromEmailAddress" in email:
            email["From"] = email.pop("FromEmailAddress")
        software_token = inputs.whole("softwareTokenMfaConfiguration")
        mfa = arguments.pop("MfaConfiguration", "OFF")
        pool = cognito.create_user_pool(
            PoolName=registration.physical_name(limit=128), UserPoolTags=registration.tags, **arguments
        )["UserPool"]
        if mfa != "OFF":
            cognito.set_user_pool_mfa_config(
                UserPoolId=pool["Id"],
                MfaConfiguration=mfa,
                **({"SoftwareTokenMfaConfiguration": pascal(software_token)} if software_token else {}),
            )
        pool_id: str = pool["Id"]
        return pool_id

    def read(self, registration: Registration) -> dict[str, Any]:
        pool = registration.client("cognito-idp").describe_user_pool(UserPoolId=registration.id)["UserPool"]
        return {
            "name": pool["Name"],
            "arn": pool["Arn"],
            "endpoint": f"cognito-idp.{registration.cloud.region}.amazonaws.com/{registration.id}",
        }

    def delete(self, registration: Registration) -> None:
        registration.client("cognito-idp").delete_user_pool(UserPoolId=registration.id)


class UserPoolClient(Kind):
    """An application that signs people in with a pool."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cognito/userPoolClient:UserPoolClient",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        arguments = pascal(
            inputs.take(*_CLIENT_PLAIN, "callbackUrls", "logoutUrls", "defaultRedirectUri"), _OAUTH
        )
        units = arguments.get("TokenValidityUnits")
        if isinstance(units, list):
            arguments["TokenValidityUnits"] = units[0]
        client = registration.client("cognito-idp").create_user_pool_client(
            UserPoolId=inputs["userPoolId"], ClientName=registration.physical_name(limit=128), **arguments
        )
        client_id: str = client["UserPoolClient"]["ClientId"]
        return client_id

    def read(self, registration: Registration) -> dict[str, Any]:
        pool_id, _, client_id = registration.id.rpartition("/")
        # An import id is the pool's and the client's, and the resource's own id the client's alone.
        registration.id = client_id
        client = registration.client("cognito-idp").describe_user_pool_client(
            UserPoolId=pool_id or registration.inputs["userPoolId"], ClientId=client_id
        )["UserPoolClient"]
        return {
            "name": client["ClientName"],
            "userPoolId": client["UserPoolId"],
            "clientSecret": client.get("ClientSecret", ""),
        }

    def delete(self, registration: Registration) -> None:
        registration.client("cognito-idp").delete_user_pool_client(
            UserPoolId=registration.inputs["userPoolId"], ClientId=registration.id
        )


class UserGroup(Kind):
    """A group of a pool's users."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cognito/userGroup:UserGroup",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        pool_id, name = inputs["userPoolId"], registration.physical_name(limit=128)
        registration.client("cognito-idp").create_group(
            UserPoolId=pool_id, GroupName=name, **pascal(inputs.take("description", "precedence", "roleArn"))
        )
        return f"{pool_id}/{name}"

    def read(self, registration: Registration) -> dict[str, Any]:
        pool_id, _, name = registration.id.partition("/")
        registration.client("cognito-idp").get_group(UserPoolId=pool_id, GroupName=name)
        return {"userPoolId": pool_id, "name": name}

    def delete(self, registration: Registration) -> None:
        pool_id, _, name = registration.id.partition("/")
        registration.client("cognito-idp").delete_group(UserPoolId=pool_id, GroupName=name)
