"""Clients of the local cloud. They can reach nothing else.

Credentials, region and endpoint are given here; the user's profiles, variables and proxies are never read.
"""

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from twin.ministack import Endpoint
from twin.ports import LOOPBACK

REGION = "us-east-1"
_ROOT_ACCESS_KEY = _ROOT_SECRET = "test"  # noqa: S105 - MiniStack's account root, which exists in its memory only


class Clients:
    """Makes boto3 clients for one local cloud."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        core.set_config_variable("config_file", os.devnull)
        core.set_config_variable("credentials_file", os.devnull)
        core.set_credentials(_ROOT_ACCESS_KEY, _ROOT_SECRET)
        self._session = boto3.session.Session(botocore_session=core, region_name=REGION)
        self._config = Config(
            proxies={},
            retries={"total_max_attempts": 3, "mode": "standard"},
            connect_timeout=5,
            read_timeout=30,
            use_fips_endpoint=False,
            use_dualstack_endpoint=False,
            s3={"addressing_style": "path"},
        )

    def make(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients' classes at run time
        """A client, e.g. ``make("iot")``. A client may be shared by threads, making one may not."""
        return self._session.client(
            service, endpoint_url=f"http://{LOOPBACK}:{self._endpoint.port}", config=self._config
        )
