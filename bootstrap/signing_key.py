"""The key that signs the cookies of shared models: the private half is in Secrets Manager."""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bootstrap.items import Change, Client, Removal, found, pairs

KEY_BITS = 2048
"""What CloudFront takes."""
PUBLIC_EXPONENT = 65_537
NOT_FOUND = "ResourceNotFoundException"


@dataclass(frozen=True)
class SigningKey:
    """The secret with the private half.

    Attributes:
        secrets: Secrets Manager.
        name: Name of the secret.
        tags: Its tags.
    """

    secrets: Client
    name: str
    tags: Mapping[str, str]

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        return f"signing key {self.name}"

    def changes(self) -> list[Change]:
        """What differs; a key that is there stays, else every cookie would be void."""
        told = found(self.secrets.describe_secret, NOT_FOUND, SecretId=self.name)
        if told is None:
            return [Change("made", self._make)]
        if told.get("DeletedDate"):
            return [Change("deletion taken back", lambda: self.secrets.restore_secret(SecretId=self.name))]
        return []

    def removal(self) -> Removal | None:
        """What `destroy` does with it: links that were shared with it are void for good."""
        if found(self.secrets.describe_secret, NOT_FOUND, SecretId=self.name) is None:
            return None
        return Removal("removed", self._remove)

    def public_half(self) -> str:
        """The public half (PEM); it must be there."""
        private = self.secrets.get_secret_value(SecretId=self.name)["SecretString"]
        public = serialization.load_pem_private_key(private.encode(), None).public_key()
        return public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    def _make(self) -> None:
        private = rsa.generate_private_key(PUBLIC_EXPONENT, KEY_BITS).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.secrets.create_secret(
            Name=self.name,
            SecretString=private.decode(),
            Description="Signs the cookies of shared models",
            Tags=pairs(self.tags),
        )

    def _remove(self) -> None:
        self.secrets.delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)
