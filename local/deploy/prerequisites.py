"""What exists before the first `pulumi up`: on AWS `bootstrap` and people make it, here this module does."""

from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from local.deploy.config import read_project
from local.deploy.model import Cloud

SECRET = "spaceport/delivery-signing-key"  # noqa: S105 - a name, not a secret
KEY_BITS = 2048
PUBLIC_EXPONENT = 65_537
_REPOSITORY = Path(__file__).resolve().parents[2]


def make(cloud: Cloud, *, stack: str = "local", folder: Path = _REPOSITORY) -> dict[str, str]:
    """Makes the delivery key and verifies the sender of mails.

    Args:
        cloud: Where to.
        stack: Whose sender: an ephemeral stack owns no mail identity, so it needs one that exists.
        folder: Of Pulumi.yaml and Pulumi.<stack>.yaml.

    Returns:
        Config values for `deploy`: the public half of the key and the name of the private half's secret.
    """
    _verify_sender(cloud, stack, folder)
    public = _signing_key(cloud)
    return {"spaceport:deliveryPublicKey": public, "spaceport:deliveryPrivateKeySecret": SECRET}


def _signing_key(cloud: Cloud) -> str:
    """Puts a new key, or the one that is there, into Secrets Manager and returns its public half (PEM)."""
    secrets = cloud.client("secretsmanager")
    try:
        private = secrets.get_secret_value(SecretId=SECRET)["SecretString"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        made = rsa.generate_private_key(PUBLIC_EXPONENT, KEY_BITS)
        private = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        secrets.create_secret(
            Name=SECRET, SecretString=private, Description="Signs the cookies of shared models"
        )
    public = serialization.load_pem_private_key(private.encode(), None).public_key()
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _verify_sender(cloud: Cloud, stack: str, folder: Path) -> None:
    document: dict[str, Any] = yaml.safe_load((folder / f"Pulumi.{stack}.yaml").read_text()) or {}
    sender = (document.get("config") or {}).get(f"{read_project(folder).name}:mailFrom")
    if sender:
        cloud.client("ses").verify_email_identity(EmailAddress=sender)
