"""The control socket of a running nucleus, ``<root>/control.sock``: one request a connection, a line of JSON each way.

```
{"do": "deploy", "request": {…}}            ─▶ {"ok": true, "outcome": {…}}       when it is done
{"do": "status"}                            ─▶ {"ok": true, "components": {…}, "deployments": […], …}
{"do": "fault", "name": "delay", "words": ["0.5"]}  ─▶ {"ok": true, "result": …}
                                            ─▶ {"ok": false, "error": "…", "remedy": "…"}
```
Only this user may connect: the socket is 0600. Not here: the command line (``thresher.commands.nucleus``).
"""

import contextlib
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

import msgspec

from twin.errors import TwinError
from twin.nucleus.mishaps import happen
from twin.nucleus.nucleus import Nucleus
from twin.nucleus.plan import Outcome, Request

SOCKET: Final = "control.sock"
MAXIMUM_BYTES: Final = 1024 * 1024
_CONNECT_S: Final = 5.0


class Deploy(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="deploy"):
    """Does a deployment; answered when it is done."""

    request: Request


class Status(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="status"):
    """Asks how everything is."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag="fault"):
    """Makes something go wrong (``mishaps``)."""

    name: str
    words: list[str] = []


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """How one component is. ``starts`` counts processes since it was loaded."""

    version: str
    state: str
    starts: int


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """To any request; what does not belong to it is left out."""

    ok: bool
    error: str = ""
    remedy: str = ""
    outcome: Outcome | None = None
    result: object = None
    profile: str = ""
    components: dict[str, Component] | None = None
    deployments: list[Outcome] | None = None
    connections: int = 0
    refused: int = 0
    spooled_bytes: int = 0
    losses: dict[str, int] | None = None


class Control:
    """Serves a nucleus's socket; a context manager.

    Args:
        nucleus: An open one.
    """

    def __init__(self, nucleus: Nucleus) -> None:
        self._nucleus = nucleus
        self._path = nucleus.root / SOCKET
        self._path.unlink(missing_ok=True)
        with _address(self._path) as address:
            self._server = _Server(address, self._answer)
        self._path.chmod(0o600)
        self._thread = threading.Thread(target=self._server.serve_forever, name="control", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)

    def _answer(self, line: bytes) -> Answer:
        try:
            return self._do(msgspec.json.decode(line, type=Deploy | Status | Fault))
        except msgspec.DecodeError as exc:
            return Answer(ok=False, error=f"request: {exc}", remedy="send one of deploy, status, fault")
        except TwinError as exc:
            return Answer(ok=False, error=str(exc), remedy=exc.remedy)

    def _do(self, asked: Deploy | Status | Fault) -> Answer:
        nucleus = self._nucleus
        if isinstance(asked, Deploy):
            outcome = nucleus.deploy(asked.request)
            return Answer(
                ok=outcome.status == "SUCCEEDED", outcome=outcome, error=outcome.message, remedy=outcome.remedy
            )
        if isinstance(asked, Fault):
            return Answer(ok=True, result=happen(nucleus, asked.name, asked.words))
        return status(nucleus)


def status(nucleus: Nucleus) -> Answer:
    """How everything is."""
    states, recipes = nucleus.roster.states(), nucleus.roster.recipes()
    return Answer(
        ok=True,
        profile=nucleus.runtime,
        components={
            name: Component(version=recipes[name].version, state=str(state), starts=nucleus.roster[name].starts)
            for name, state in states.items()
            if name in recipes
        },
        deployments=nucleus.deployments.outcomes(),
        connections=nucleus.ipc.connections,
        refused=nucleus.ipc.refused,
        spooled_bytes=nucleus.ipc.spooled_bytes,
        losses=nucleus.ipc.losses,
    )


def ask(root: Path, request: Deploy | Status | Fault, *, timeout_s: float | None = None) -> Answer:
    """Asks the nucleus that runs in ``root``.

    Args:
        root: Its folder.
        request: What to ask.
        timeout_s: For the answer; a deployment takes as long as its components do.

    Raises:
        TwinError: None runs there, or it ended before it answered.
    """
    with socket.socket(socket.AF_UNIX) as connection, _address(root / SOCKET) as address:
        connection.settimeout(_CONNECT_S)
        try:
            connection.connect(address)
            connection.settimeout(timeout_s)
            connection.sendall(msgspec.json.encode(request) + b"\n")
            with connection.makefile("rb") as lines:
                line = lines.readline(MAXIMUM_BYTES)
        except OSError as exc:
            raise TwinError(
                f"no nucleus answers in {root}: {exc}", remedy="thresher nucleus run, or give its --root"
            ) from exc
    if not line.endswith(b"\n"):
        raise TwinError(f"the nucleus in {root} ended before it answered", remedy="start it again")
    return msgspec.json.decode(line, type=Answer)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, address: str, answer: Callable[[bytes], Answer]) -> None:
        self.answer = answer
        super().__init__(address, _Handler)


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        line = self.rfile.readline(MAXIMUM_BYTES)
        with contextlib.suppress(BrokenPipeError):  # who asked has gone
            self.wfile.write(msgspec.json.encode(self.server.answer(line)) + b"\n")


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    """A socket's path by its folder's descriptor: as short as the kernel wants it, however long the path is."""
    try:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    except OSError as exc:
        raise TwinError(f"{path.parent}: {exc.strerror}", remedy="give the --root of a running nucleus") from exc
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
