"""The private key that signs cookies: from Secrets Manager, kept while the process lives."""

from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from functions.delivery.logic import Sign
from functions.shared.aws import secrets_manager


@cache
def signer(secret_id: str) -> Sign:
    """Make the function that signs with a secret's key.

    Args:
        secret_id: Name or ARN of the secret; its text is an RSA key in PEM.

    Returns:
        The signing function.

    Raises:
        TypeError: The secret holds a key of another kind.
    """
    pem = secrets_manager().get_secret_value(SecretId=secret_id)["SecretString"]
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the delivery secret must hold an RSA private key in PEM")

    def sign(message: bytes) -> bytes:
        return key.sign(message, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 -- CloudFront takes SHA-1 alone

    return sign
