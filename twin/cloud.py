"""The local cloud as the demo uses it: MiniStack, the deployed stack, the page's files and a mailbox for alerts."""

from pathlib import Path
from typing import Self

from twin.aws import Clients
from twin.deploy import Outputs, deploy, upload_page
from twin.inbox import Inbox
from twin.ministack import Endpoint, MiniStack
from twin.page import CloudBackend
from twin.provision import Provisioner


class Deployment:
    """What exists once the stack is deployed.

    Attributes:
        endpoint: Where the cloud is.
        clients: For it.
        outputs: The stack's.
        inbox: Subscribed to the alert topic, not yet collecting.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.clients = Clients(endpoint)
        self.outputs: Outputs = deploy(self.clients)
        upload_page(self.clients, self.outputs.page_bucket_name)
        self.inbox = Inbox(self.clients, self.outputs.alert_topic_arn)

    def backend(self) -> CloudBackend:
        """For the page."""
        bucket, api_url = self.outputs.page_bucket_name, self.outputs.api_url
        return CloudBackend(self.clients, self.endpoint, bucket=bucket, api_url=api_url)

    def provisioner(self) -> Provisioner:
        """For gateways."""
        return Provisioner(self.clients, self.endpoint, self.outputs.gateway_policy_name)


class LocalCloud:
    """A context manager: leaving it ends the mailbox and MiniStack, however far the start came.

    Args:
        folder: Its own.
    """

    def __init__(self, folder: Path) -> None:
        self._stack = MiniStack(folder)
        self._deployment: Deployment | None = None

    def start(self) -> Deployment:
        """Starts the cloud, deploys the stack, begins to collect alerts.

        Raises:
            TwinError: A part did not start.
        """
        self._stack.start()
        self._deployment = Deployment(self._stack.wait())
        self._deployment.inbox.start()
        return self._deployment

    def check(self) -> None:
        """Raises ``TwinError`` if it has ended or sent an alert nobody can read."""
        self._stack.check()
        if self._deployment is not None:
            self._deployment.inbox.check()

    def stop(self) -> None:
        """Ends all of it. A second call does nothing."""
        if self._deployment is not None:
            self._deployment.inbox.stop()
        self._stack.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
