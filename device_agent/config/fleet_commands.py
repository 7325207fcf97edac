"""What job documents of others may run on a gateway: nothing, until it is named here."""

from typing import Annotated

import msgspec
from msgspec import Meta

Names = list[Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]]
Paths = list[Annotated[str, Meta(pattern="^/")]]


class CommandsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section ``fleet.commands``.

    Attributes:
        allow: Names of handlers that ``runHandler`` may run: programs of ``handlers``, or those that ship.
        handlers: Folder of the operator's own handlers, absolute; empty for none.
        paths: Further folders that a document may name as ``path``.
        commands: Absolute paths of programs that ``runCommand`` may run, and ``runHandler`` without a path.
        users: Whom a document may name as ``runAsUser``.
        user: Whom programs run as when the agent is root and the document names nobody.
        timeout_s: A program that runs longer is ended, with all it has started.
        repeatable: Handlers that may simply be run again after the gateway restarted in their middle.
        downloads: Folders that the shipped ``download-file.sh`` may write into.
        attributes: What a document's ``conditions`` are compared with, beside what the gateway knows itself.
    """

    allow: Names = []
    handlers: Annotated[str, Meta(pattern="^(/.*)?$")] = ""
    paths: Paths = []
    commands: Paths = []
    users: list[str] = []
    user: str = "nobody"
    timeout_s: Annotated[float, Meta(gt=0, le=86400)] = 300.0
    repeatable: Names = []
    downloads: Paths = []
    attributes: dict[str, str] = {}
