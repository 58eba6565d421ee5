"""Amazon SES identities: verified at once, as a person who clicks the link in the mail would."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration


class EmailIdentityV2(Kind):
    """An address or a domain of the SES v2 API."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:sesv2/emailIdentity:EmailIdentity",)

    def create(self, registration: Registration) -> str:
        identity: str = registration.inputs["emailIdentity"]
        registration.client("sesv2").create_email_identity(
            EmailIdentity=identity, Tags=registration.tag_list()
        )
        registration.inputs.ignore(
            "configurationSetName", "dkimSigningAttributes", because="no mail leaves the embedded cloud"
        )
        return identity

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("sesv2").get_email_identity(EmailIdentity=registration.id)
        return {
            "arn": _arn(registration),
            "emailIdentity": registration.id,
            "identityType": found["IdentityType"],
            "verifiedForSendingStatus": found["VerifiedForSendingStatus"],
            "dkimSigningAttributes": {"tokens": found["DkimAttributes"].get("Tokens", [])},
        }

    def delete(self, registration: Registration) -> None:
        registration.client("sesv2").delete_email_identity(EmailIdentity=registration.id)


class EmailIdentity(Kind):
    """An address of the first SES API."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:ses/emailIdentity:EmailIdentity",)

    def create(self, registration: Registration) -> str:
        address: str = registration.inputs["email"]
        registration.client("ses").verify_email_identity(EmailAddress=address)
        return address

    def read(self, registration: Registration) -> dict[str, Any]:
        return {"arn": _arn(registration), "email": registration.id}

    def delete(self, registration: Registration) -> None:
        registration.client("ses").delete_identity(Identity=registration.id)


class DomainIdentity(Kind):
    """A domain of the first SES API."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:ses/domainIdentity:DomainIdentity",)

    def create(self, registration: Registration) -> str:
        domain: str = registration.inputs["domain"]
        token = registration.client("ses").verify_domain_identity(Domain=domain)["VerificationToken"]
        registration.notes["token"] = token
        return domain

    def read(self, registration: Registration) -> dict[str, Any]:
        return {
            "arn": _arn(registration),
            "domain": registration.id,
            "verificationToken": registration.notes.get("token"),
        }

    def delete(self, registration: Registration) -> None:
        registration.client("ses").delete_identity(Identity=registration.id)


def _arn(registration: Registration) -> str:
    return f"arn:aws:ses:{registration.cloud.region}:{registration.cloud.account}:identity/{registration.id}"
