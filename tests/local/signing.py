"""Signs for CloudFront as a delivery function does, written from the guide and not from the edge's code."""

import base64
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class Signer:
    """A key pair and what it signs."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = self.private.public_key()
        self.public_pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    def cookies(self, key_id: str, resource: str, expires: int, **condition: object) -> dict[str, str]:
        """Returns the three cookies of a custom policy."""
        condition = {"DateLessThan": {"AWS:EpochTime": expires}, **condition}
        policy = json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]}).encode()
        return {
            "CloudFront-Policy": encode(policy),
            "CloudFront-Signature": self.sign(policy),
            "CloudFront-Key-Pair-Id": key_id,
        }

    def canned_query(self, key_id: str, url: str, expires: int) -> str:
        """Returns the query of a signed URL with a canned policy."""
        condition = f'{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}'
        policy = f'{{"Statement":[{{"Resource":"{url}","Condition":{condition}}}]}}'
        return f"Expires={expires}&Signature={self.sign(policy.encode())}&Key-Pair-Id={key_id}"

    def sign(self, text: bytes) -> str:
        return encode(self.private.sign(text, padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303 - CloudFront's hash


def encode(content: bytes) -> str:
    return base64.b64encode(content).decode().replace("+", "-").replace("=", "_").replace("/", "~")


def header(cookies: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())
