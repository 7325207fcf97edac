"""A deployed cloud, claim certificates for it, and the documents of new gateways."""

import json
import uuid
from pathlib import Path
from typing import Any

from device_agent.config import GatewayConfig, load
from operations.fleet.serials import allow
from operations.stack import Stack
from twin.cloud import Deployment
from twin.provision import Provisioner

DOCUMENT = """
gateway: {name}
state_dir: state
sensors: [{{type: host, name: host}}]
uplink:
  endpoint: localhost
  port: {port}
  certificate: state/identity/current/certificate.pem
  {key}
  ca: ca.pem
  keep_alive_s: 5
fleet:
  identity: {{template: {template}, claim_certificate: claim.pem, claim_key: claim.key, serial: "{serial}", try_s: 20}}
"""


class Site:
    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.iot = deployment.clients.make("iot")
        self.stack = Stack("thresher", deployment.clients.make)

    def new_gateway(self, folder: Path, *, allowed: bool = True, key: str = "") -> GatewayConfig:
        """The document of a device that has a claim only."""
        name, serial = f"gw-{uuid.uuid4().hex[:8]}", f"S-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True, exist_ok=True)
        self._claim(folder)
        document = folder / "gateway.yaml"
        document.write_text(
            DOCUMENT.format(
                name=name,
                serial=serial,
                port=self.deployment.endpoint.mqtt_port,
                template=self.deployment.outputs.provisioning_template_name,
                key=key or "private_key: state/identity/current/private.key",
            )
        )
        if allowed:
            allow(self.stack, serial, gateway_id=name, site="hall-2")
        return load(document)

    def certificates(self, gateway_id: str) -> dict[str, str]:
        """Ids of the certificates of a thing, with their status."""
        principals = self.iot.list_thing_principals(thingName=gateway_id)["principals"]
        ids = [arn.rsplit("/", 1)[1] for arn in principals]
        return {one: self.status(one) for one in ids}

    def status(self, certificate_id: str) -> str:
        return str(self.iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]["status"])

    def policies(self, certificate_id: str) -> list[str]:
        arn = self.iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]["certificateArn"]
        return [each["policyName"] for each in self.iot.list_attached_policies(target=arn)["policies"]]

    def order(self, gateway_id: str, action: str = "rotateCertificate") -> str:
        """A job for one gateway; its id."""
        job = f"job-{uuid.uuid4().hex[:8]}"
        document: dict[str, Any] = {
            "version": "1.0",
            "steps": [{"action": {"name": "renew", "type": action, "input": {}}}],
        }
        arn = self.iot.describe_thing(thingName=gateway_id)["thingArn"]
        self.iot.create_job(jobId=job, targets=[arn], document=json.dumps(document))
        return job

    def job(self, job_id: str, gateway_id: str) -> str:
        """How far a gateway is with a job."""
        found = self.iot.describe_job_execution(jobId=job_id, thingName=gateway_id)
        return str(found["execution"]["status"])

    def _claim(self, folder: Path) -> None:
        issued = self.iot.create_keys_and_certificate(setAsActive=True)
        self.iot.attach_policy(policyName=self.deployment.outputs.claim_policy_name, target=issued["certificateArn"])
        (folder / "claim.pem").write_text(issued["certificatePem"])
        (folder / "claim.key").write_text(issued["keyPair"]["PrivateKey"])
        provisioner: Provisioner = self.deployment.provisioner()
        (folder / "ca.pem").write_bytes(provisioner._broker_root())
