"""Amazon SES: what mails are sent with, and identities, verified at once as by a click on the mail's link."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration, pascal


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
            "arn": _arn(registration, "identity"),
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
        return {"arn": _arn(registration, "identity"), "email": registration.id}

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
            "arn": _arn(registration, "identity"),
            "domain": registration.id,
            "verificationToken": registration.notes.get("token"),
        }

    def delete(self, registration: Registration) -> None:
        registration.client("ses").delete_identity(Identity=registration.id)


class ConfigurationSet(Kind):
    """What mails are sent with."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:sesv2/configurationSet:ConfigurationSet",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        name: str = inputs["configurationSetName"]
        options = inputs.take(
            "deliveryOptions", "reputationOptions", "sendingOptions", "suppressionOptions", "trackingOptions"
        )
        registration.client("sesv2").create_configuration_set(
            ConfigurationSetName=name, Tags=registration.tag_list(), **pascal(options)
        )
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        registration.client("sesv2").get_configuration_set(ConfigurationSetName=registration.id)
        return {
            "arn": _arn(registration, "configuration-set"),
            "configurationSetName": registration.id,
        }

    def delete(self, registration: Registration) -> None:
        registration.client("sesv2").delete_configuration_set(ConfigurationSetName=registration.id)


class EventDestination(Kind):
    """Who hears what became of the mails of a configuration set."""

    tokens: ClassVar[tuple[str, ...]] = (
        "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination",
    )

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        sent_with, name = inputs["configurationSetName"], inputs["eventDestinationName"]
        registration.client("sesv2").create_configuration_set_event_destination(
            ConfigurationSetName=sent_with,
            EventDestinationName=name,
            EventDestination=pascal(inputs.whole("eventDestination")),
        )
        return f"{sent_with}|{name}"

    def read(self, registration: Registration) -> dict[str, Any]:
        sent_with, _, name = registration.id.partition("|")
        return {"configurationSetName": sent_with, "eventDestinationName": name}

    def delete(self, registration: Registration) -> None:
        sent_with, _, name = registration.id.partition("|")
        registration.client("sesv2").delete_configuration_set_event_destination(
            ConfigurationSetName=sent_with, EventDestinationName=name
        )


def _arn(registration: Registration, kind: str) -> str:
    return f"arn:aws:ses:{registration.cloud.region}:{registration.cloud.account}:{kind}/{registration.id}"
