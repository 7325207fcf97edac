"""What gives a device its first certificate: AWS IoT fleet provisioning, by claim.

Two questions, one at a time, because the service's API has no token that tells answers apart: a certificate for a
request, which is not yet active; then the thing, which makes it so. Not here: in which order and what is kept
(``provisioning``), MQTT (``claim``).
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from device_agent.errors import UplinkError


class Issued(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A certificate that is not active yet.

    Attributes:
        certificate_id: AWS IoT's id.
        certificate_pem: The certificate.
        certificate_ownership_token: Proves in the second question that we asked the first; good for an hour.
    """

    certificate_id: str
    certificate_pem: str
    certificate_ownership_token: str


class Registered(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of the certificate.

    Attributes:
        thing_name: The gateway's id.
        device_configuration: What the template says to the device.
    """

    thing_name: str = ""
    device_configuration: dict[str, str] = {}


class RegistrationRefusedError(UplinkError):
    """The service said no.

    Attributes:
        code: Its word for why, e.g. ``AccessDenied``.
    """

    def __init__(self, message: str, *, code: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


class TokenExpiredError(RegistrationRefusedError):
    """The ownership token is too old: the first question must be asked again."""


class Registrar(Protocol):
    """Answers a device that has a claim certificate. One question at a time."""

    def create(self, request: str) -> Issued:
        """A certificate for a certificate request (PKCS#10, PEM).

        Raises:
            RegistrationRefusedError: The service said no.
            UplinkError: No answer; asking again may help.
        """

    def register(self, token: str, parameters: Mapping[str, str]) -> Registered:
        """Makes the thing, and the token's certificate active. The same again gives the same.

        Raises:
            TokenExpiredError: Too late, or the token was used up.
            RegistrationRefusedError: The service said no.
            UplinkError: No answer; asking again may help.
        """


_REMEDIES = {
    "AccessDenied": "let it in with `thresher fleet allow {serial} --gateway NAME`, then try again",
    "InvalidTemplate": "compare `$.fleet.identity.template` with the stack's output ProvisioningTemplateName",
    "InvalidParameters": "give the serial number: `$.fleet.identity.serial`",
}
_EXPIRED = "InvalidCertificateOwnershipToken"


class _Refusal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    status_code: int = 0
    error_code: str = "unknown"
    error_message: str = ""


def refusal(payload: bytes, *, serial: str) -> RegistrationRefusedError:
    """What a rejection means. It may be anything: it is read as far as it can be."""
    try:
        said = msgspec.json.decode(payload, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = _Refusal(error_message=repr(payload[:200]))
    remedy = _REMEDIES.get(said.error_code, "look at the provisioning hook's log, then try again").format(serial=serial)
    message = f"provisioning {serial!r}: {said.error_code}: {said.error_message}"
    kind = TokenExpiredError if said.error_code == _EXPIRED else RegistrationRefusedError
    return kind(message, code=said.error_code, remedy=remedy)
