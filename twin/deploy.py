"""Deploys the product's own template to the local cloud, through CloudFormation, and fills the page's bucket.

Not here: packaging (``twin.bundle``), devices (``twin.provision``).
"""

import mimetypes
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from twin.aws import Clients
from twin.bundle import bundle_key, package_folder, package_template, read_template, zip_bundle
from twin.errors import TwinError

STACK: Final = "thresher"
_ARTIFACTS: Final = "thresher-artifacts"
_CREATE_S: Final = 60.0
_POLL_S: Final = 0.1
_PAGE_KINDS: Final = {".html", ".js", ".css", ".svg", ".png", ".ico", ".json", ".txt", ".woff2", ".md"}


class Outputs(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The stack's outputs; see ``cloud_functions/template.yaml``."""

    table_name: str
    events_queue_url: str
    dead_letter_queue_url: str
    alert_topic_arn: str
    api_url: str
    page_bucket_name: str
    gateway_policy_name: str
    rule_name: str
    releases_bucket_name: str
    presign_role_arn: str
    rollout_workflow_arn: str
    provisioning_template_name: str
    claim_policy_name: str


def deploy(clients: Clients, *, template: Path | None = None) -> Outputs:
    """Uploads the bundle, creates the stack and waits for it.

    Raises:
        TwinError: The stack failed; the message holds the first resource that did and why.
    """
    source = template or package_folder("cloud_functions") / "template.yaml"
    bundle = zip_bundle()
    key = bundle_key(bundle)
    s3 = clients.make("s3")
    s3.create_bucket(Bucket=_ARTIFACTS)
    s3.put_object(Bucket=_ARTIFACTS, Key=key, Body=bundle)
    cloudformation = clients.make("cloudformation")
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=package_template(read_template(source), f"s3://{_ARTIFACTS}/{key}"),
        Parameters=[
            {"ParameterKey": "Target", "ParameterValue": "twin"},
            {"ParameterKey": "WatermarkIntervalSeconds", "ParameterValue": "0"},
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        OnFailure="DO_NOTHING",
    )
    return _wait_for_outputs(cloudformation, deadline=time.monotonic() + _CREATE_S)


def upload_page(clients: Clients, bucket: str, folder: Path | None = None) -> int:
    """Puts the page's files into its bucket; returns how many."""
    root = folder or package_folder("dashboard")
    s3 = clients.make("s3")
    files = sorted(path for path in root.rglob("*") if path.is_file() and path.suffix in _PAGE_KINDS)
    for path in files:
        kind, _ = mimetypes.guess_type(path.name)
        s3.put_object(
            Bucket=bucket,
            Key=path.relative_to(root).as_posix(),
            Body=path.read_bytes(),
            ContentType=kind or "application/octet-stream",
        )
    return len(files)


def _wait_for_outputs(cloudformation: Any, *, deadline: float) -> Outputs:  # noqa: ANN401 - a boto3 client
    while True:
        stack = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        status = stack["StackStatus"]
        if status == "CREATE_COMPLETE":
            return _outputs(stack)
        if status != "CREATE_IN_PROGRESS":
            raise TwinError(
                f"deploying failed ({status}): {_first_failure(cloudformation, stack)}",
                remedy="mend cloud_functions/template.yaml at the resource named",
            )
        if time.monotonic() > deadline:
            raise TwinError(
                f"deploying took longer than {_CREATE_S:.0f} s",
                remedy="start again on a machine with less load",
            )
        time.sleep(_POLL_S)


def _outputs(stack: dict[str, Any]) -> Outputs:
    values = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    try:
        return msgspec.convert(values, Outputs)
    except msgspec.ValidationError as exc:
        raise TwinError(f"the stack's outputs: {exc}", remedy="declare it in cloud_functions/template.yaml") from exc


def _first_failure(cloudformation: Any, stack: dict[str, Any]) -> str:  # noqa: ANN401 - a boto3 client
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    if not failed:
        return str(stack.get("StackStatusReason", "no reason given"))
    first = failed[-1]
    return f"{first['LogicalResourceId']}: {first.get('ResourceStatusReason', 'no reason given')}"
