"""Tokens that a REST API must not take, and one that it must."""

import base64
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from local.cloud import EmbeddedCloud

PASSWORD = "Own-Word-1"
LASTING_MINUTES = 60
SHORT_SECONDS = 1

Json = dict[str, Any]


class Person:
    """A signed-in person of a pool.

    Attributes:
        identity: The ID token.
        access: The access token.
        short: An ID token that lasts a second.
    """

    def __init__(self, cloud: EmbeddedCloud, pool: str) -> None:
        cognito = cloud.client("cognito-idp")
        name, email = uuid.uuid4().hex, f"{uuid.uuid4().hex}@example.com"
        attributes = {"email": email, "email_verified": "true", "preferred_username": name}
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=name,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
        )
        cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)

        def signed_in(validity: int, unit: str) -> Json:
            client = cognito.create_user_pool_client(
                UserPoolId=pool,
                ClientName=uuid.uuid4().hex,
                ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
                IdTokenValidity=validity,
                TokenValidityUnits={"IdToken": unit},
            )["UserPoolClient"]["ClientId"]
            answer: Json = cognito.admin_initiate_auth(
                UserPoolId=pool,
                ClientId=client,
                AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
            )["AuthenticationResult"]
            return answer

        lasting = signed_in(LASTING_MINUTES, "minutes")
        self.identity: str = lasting["IdToken"]
        self.access: str = lasting["AccessToken"]
        self.short: str = signed_in(SHORT_SECONDS, "seconds")["IdToken"]


def refused_tokens(cloud: EmbeddedCloud, person: Person) -> Mapping[str, str | None]:
    """Make the tokens that are refused, by what is wrong with them; None is no token at all."""
    head, claims, signature = person.identity.split(".")
    another = json.loads(_decoded(claims)) | {"sub": str(uuid.uuid4())}
    pool = cloud.client("cognito-idp").create_user_pool(PoolName="elsewhere")["UserPool"]["Id"]
    unsigned = {**json.loads(_decoded(head)), "alg": "none"}
    own_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = own_key.sign(f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    time.sleep(max(0.0, json.loads(_decoded(person.short.split(".")[1]))["exp"] + 1 - time.time()))
    return {
        "none": None,
        "no token": "letmein",
        "another signature": f"{head}.{claims}.{_encoded(_flipped(_decoded(signature)))}",
        "other claims": f"{head}.{_encoded(json.dumps(another).encode())}.{signature}",
        "unsigned": f"{_encoded(json.dumps(unsigned).encode())}.{claims}.",
        "another key": f"{head}.{claims}.{_encoded(forged)}",
        "expired": person.short,
        "of another pool": Person(cloud, pool).identity,
        "access token": person.access,
    }


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]
