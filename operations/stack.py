"""A deployed stack: where its table and queues are, and clients for them.

Credentials, region and endpoint are boto3's own (``AWS_PROFILE``, ``AWS_REGION``, ``AWS_ENDPOINT_URL``), so the
same command works on AWS and on the local twin.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from operations.errors import OperationError

Make = Callable[[str], Any]
"""Makes the client of a service by its name."""


class Outputs(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Of the stack's outputs those that are needed here; see ``cloud_functions/template.yaml``."""

    table_name: str
    events_queue_url: str
    dead_letter_queue_url: str
    label_function_name: str
    releases_bucket_name: str
    presign_role_arn: str
    rollout_workflow_arn: str
    gateway_type_name: str
    gateway_policy_name: str
    rule_name: str


class Stack:
    """One deployed stack.

    Args:
        name: As it was deployed.
        make: Makes clients; boto3's own where none is given.

    Raises:
        OperationError: There is no such stack, or nobody answers.
    """

    def __init__(self, name: str, make: Make | None = None) -> None:
        with speaking("finding the stack"):
            make = make or boto3.client
            described = make("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
            values = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
            self.make, self.dynamodb, self.sqs = make, make("dynamodb"), make("sqs")
        try:
            self.outputs = msgspec.convert(values, Outputs)
        except msgspec.ValidationError as exc:
            raise OperationError(
                f"stack {name!r}: {exc}", remedy="deploy cloud_functions/template.yaml as it is"
            ) from exc


@contextmanager
def speaking(doing: str) -> Iterator[None]:
    """Turns what a client raises inside into an ``OperationError``."""
    try:
        yield
    except (ClientError, BotoCoreError) as exc:
        raise OperationError(f"{doing}: {exc}", remedy="check AWS_PROFILE, AWS_REGION and --stack") from exc
