"""How a gateway gets a new certificate within a job: what it asks on its own topics, and what it is answered.

```
gateway, old certificate  ──request──▶ issued: the new one's PEM
gateway, old certificate  ──withdraw─▶ withdrawn: the new one is gone; nothing changed
gateway, NEW certificate  ──confirm──▶ confirmed: the old one is gone
```
Who asks is never in a message: the broker says it, thing by topic and certificate by connection. Every message may come
twice, and is then answered twice with the same.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from contract.errors import ContractError

Verb = Literal["request", "confirm", "withdraw"]
VERBS: Final[tuple[Verb, ...]] = ("request", "confirm", "withdraw")
CertificateId = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""SHA-256 of the certificate's DER, hexadecimal: AWS IoT's own id of it."""


class CertificateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a gateway asks.

    Attributes:
        job_id: The job that told it to; a certificate is issued within one only.
        execution_number: Which execution of it.
        csr: ``request``: PKCS#10, PEM.
        certificate_id: ``confirm``, ``withdraw``: of the new certificate.
        token: Comes back with the answer: an answer to this question, and to no earlier one.
    """

    job_id: Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,64}$")]
    execution_number: Annotated[int, Meta(ge=1)] = 1
    csr: Annotated[str, Meta(max_length=4096)] = ""
    certificate_id: str = ""
    token: Annotated[str, Meta(max_length=64)] = ""


class CertificateAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the cloud answers.

    Attributes:
        verb: What was asked.
        job_id: In which job.
        execution_number: In which execution of it.
        certificate_id: Of the new certificate.
        certificate: ``request``: the new certificate, PEM.
        refused: Why not, for a person; empty if it was done.
        token: As it was asked with.
        asked_by: Id of the certificate of the connection that asked, as the broker says.
    """

    verb: Verb
    job_id: str
    execution_number: int = 1
    certificate_id: str = ""
    certificate: str = ""
    refused: str = ""
    token: str = ""
    asked_by: str = ""


_answers = msgspec.json.Decoder(CertificateAnswer)
_requests = msgspec.json.Decoder(CertificateRequest)


def decode_request(raw: bytes) -> CertificateRequest:
    """A request from JSON. Raises ``ContractError``."""
    try:
        return _requests.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ContractError(f"certificate request: {exc}") from exc


def decode_answer(raw: bytes) -> CertificateAnswer:
    """An answer from JSON. Raises ``ContractError``."""
    try:
        return _answers.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ContractError(f"certificate answer: {exc}") from exc
