"""Certificates and jobs in AWS IoT's registry, for the renewal of one gateway's certificate."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cloud_functions.core.errors import StoreError
from cloud_functions.core.renewal import Made

_ACTION: Final = "rotateCertificate"
_UNDER_WAY: Final = frozenset({"QUEUED", "IN_PROGRESS"})
_BAD_REQUEST: Final = frozenset({"InvalidRequestException"})
_ABSENT: Final = frozenset({"ResourceNotFoundException"})


class IotRegistry:
    """See ``renewal.Registry``.

    Args:
        client: A boto3 ``iot`` client.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - a boto3 client
        self._iot = client

    def holds(self, gateway_id: str, certificate_id: str) -> bool:
        """See ``Registry``."""
        with _speaking(f"thing {gateway_id}"):
            found = self._iot.list_thing_principals(thingName=gateway_id)["principals"]
        return any(principal.endswith(f"cert/{certificate_id}") for principal in found)

    def make(self, csr: str) -> Made | None:
        """See ``Registry``."""
        try:
            made = self._iot.create_certificate_from_csr(certificateSigningRequest=csr, setAsActive=False)
        except (ClientError, BotoCoreError) as exc:
            if _code(exc) in _BAD_REQUEST:
                return None
            raise StoreError(f"a certificate: {exc}") from exc
        return Made(made["certificateId"], made["certificatePem"])

    def admit(self, gateway_id: str, new_id: str, *, like: str) -> str:
        """See ``Registry``."""
        with _speaking(f"certificate {new_id[:12]} of {gateway_id}"):
            known = self._iot.describe_certificate(certificateId=new_id)["certificateDescription"]
            if known["status"] != "ACTIVE":
                for policy in self._policies(like):
                    self._iot.attach_policy(policyName=policy, target=known["certificateArn"])
                self._iot.attach_thing_principal(thingName=gateway_id, principal=known["certificateArn"])
                self._iot.update_certificate(certificateId=new_id, newStatus="ACTIVE")
        return str(known["certificatePem"])

    def expel(self, gateway_id: str, certificate_id: str) -> None:
        """See ``Registry``."""
        arn = self._arn(certificate_id)
        with _speaking(f"certificate {certificate_id[:12]} of {gateway_id}"):
            self._iot.update_certificate(certificateId=certificate_id, newStatus="INACTIVE")
            for policy in self._policies(certificate_id):
                self._iot.detach_policy(policyName=policy, target=arn)
            self._iot.detach_thing_principal(thingName=gateway_id, principal=arn)

    def _policies(self, certificate_id: str) -> list[str]:
        attached = self._iot.list_attached_policies(target=self._arn(certificate_id), pageSize=250)["policies"]
        return [policy["policyName"] for policy in attached]

    def _arn(self, certificate_id: str) -> str:
        known = self._iot.describe_certificate(certificateId=certificate_id)
        return str(known["certificateDescription"]["certificateArn"])


class IotOrders:
    """See ``renewal.Orders``.

    Args:
        client: A boto3 ``iot`` client.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - a boto3 client
        self._iot = client

    def is_rotating(self, gateway_id: str, job_id: str, execution_number: int) -> bool:
        """See ``Orders``."""
        try:
            found = self._iot.describe_job_execution(
                jobId=job_id, thingName=gateway_id, executionNumber=execution_number
            )
            document = self._iot.get_job_document(jobId=job_id)["document"]
        except (ClientError, BotoCoreError) as exc:
            if _code(exc) in _ABSENT:
                return False
            raise StoreError(f"job {job_id}: {exc}") from exc
        return found["execution"]["status"] in _UNDER_WAY and _ACTION in _types(document)


def _types(document: str) -> set[str]:
    try:
        steps = json.loads(document)["steps"]
        return {step["action"]["type"] for step in steps}
    except (ValueError, KeyError, TypeError):
        return set()


@contextmanager
def _speaking(about: str) -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as exc:
        raise StoreError(f"{about}: {exc}") from exc


def _code(exc: Exception) -> str:
    return str(exc.response["Error"]["Code"]) if isinstance(exc, ClientError) else ""
