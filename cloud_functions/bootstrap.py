"""Wires each function together: once a process, when its first event comes, never at import.

Clients cost 30 to 60 ms each, so a function makes only those it uses. Timeouts are short: the queue is
patient, the function is not.
"""

import functools
import os
import time
from typing import Any

import boto3
from botocore.config import Config

from cloud_functions.adapters.dynamodb import DynamoTable
from cloud_functions.adapters.iot import IotReplies
from cloud_functions.adapters.jobs import IotJobs, S3Plans
from cloud_functions.adapters.registry import IotOrders, IotRegistry
from cloud_functions.adapters.sns import SnsNotifier
from cloud_functions.core.api import Api
from cloud_functions.core.commands import Commands
from cloud_functions.core.enrolment import Enrolment
from cloud_functions.core.ingest import Ingest, Settings
from cloud_functions.core.labelling import Labelling
from cloud_functions.core.notify import Notify
from cloud_functions.core.renewal import Renewal
from cloud_functions.core.rollout.promoter import Promoter
from cloud_functions.core.shape import Retention


def clock() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


@functools.cache
def ingest() -> Ingest:
    """The ingest function's work."""
    settings = Settings(
        interval_ms=int(os.environ["WATERMARK_INTERVAL_SECONDS"]) * 1000,
        retention=Retention(
            block_days=int(os.environ["BLOCK_RETENTION_DAYS"]),
            episode_days=int(os.environ["EPISODE_RETENTION_DAYS"]),
        ),
    )
    return Ingest(table(), _replies(), clock, settings)


@functools.cache
def notify() -> Notify:
    """The alert function's work."""
    return Notify(table(), SnsNotifier(_client("sns"), os.environ["ALERT_TOPIC_ARN"]), clock)


@functools.cache
def commands() -> Commands:
    """The label function's work."""
    days = int(os.environ["EPISODE_RETENTION_DAYS"])
    return Commands(Labelling(table(), _replies(), clock, days=days))


@functools.cache
def api() -> Api:
    """The query function's work."""
    return Api(table(), clock, IotJobs(_client("iot")))


@functools.cache
def enrolment() -> Enrolment:
    """The provisioning hook's work."""
    return Enrolment(table(), clock, policy=os.environ["GATEWAY_POLICY_NAME"])


@functools.cache
def renewal() -> Renewal:
    """The certificate function's work."""
    iot = _client("iot")
    return Renewal(table(), IotRegistry(iot), IotOrders(iot), clock)


@functools.cache
def replies() -> IotReplies:
    """The way back to gateways."""
    return _replies()


def promoter() -> Promoter:
    """The work of the rollout functions; each may do only its own part of it (``template.yaml``)."""
    plans = S3Plans(_client("s3"), os.environ["RELEASES_BUCKET"])
    return Promoter(table(), IotJobs(_client("iot")), plans, clock)


def _replies() -> IotReplies:
    endpoint = os.environ.get("IOT_DATA_ENDPOINT")
    return IotReplies(_client("iot-data", endpoint_url=f"https://{endpoint}" if endpoint else None))


@functools.cache
def table() -> DynamoTable:
    """The table."""
    return DynamoTable(_client("dynamodb"), os.environ["TABLE_NAME"])


def _client(service: str, endpoint_url: str | None = None) -> Any:  # noqa: ANN401 - a boto3 client
    config = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"})
    return boto3.client(service, endpoint_url=endpoint_url, config=config)
