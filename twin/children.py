"""Child processes that leave nothing behind.

Rules kept here:
- a child is the leader of its own session: Ctrl-C reaches the demo only, which ends its children in order;
- a child dies with the demo even when that is killed (see ``device_agent.tether``);
- nothing of the user's AWS set-up, proxies or Python path reaches a child;
- stopping is SIGTERM, a bounded wait, then SIGKILL to the child's own process group and to nothing else.

Not here: what the children are (``twin.ministack``, ``twin.gateways``).
"""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from device_agent import tether
from twin.errors import TwinError

_HIDDEN_PREFIXES = ("AWS_", "BOTO", "PYTHON", "LOCALSTACK", "MINISTACK", "IOT_")
_HIDDEN_NAMES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})
_TAIL_BYTES = 2000


def child_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every child.

    Args:
        home: A folder inside the run folder, so that no ``~/.aws`` is found.
        extra: What this child needs besides.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_HIDDEN_PREFIXES) and name.lower() not in _HIDDEN_NAMES
    }
    return {
        **kept,
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **(extra or {}),
    }


class Child:
    """One running child process.

    Args:
        name: For messages and the log's name.
        arguments: After ``python``, e.g. ``("-m", "thresher", "run", …)``.
        log: File that takes its stdout and stderr.
        environment: See ``child_environment``.
    """

    def __init__(self, name: str, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        command = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), sys.executable, *arguments]
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=log.parent,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group and session."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """``None`` while it runs; negative for a signal."""
        return self._process.poll()

    def check(self) -> None:
        """Raises ``TwinError`` with the end of its log if it has ended."""
        code = self.exit_code
        if code is not None:
            raise TwinError(
                f"{self.name} ended with exit code {code}: {self.tail()}",
                remedy=f"read its log: {self.log}",
            )

    def tail(self) -> str:
        """The last lines it wrote."""
        with contextlib.suppress(OSError):
            return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
        return ""

    def terminate(self) -> None:
        """Asks it to end; does not wait."""
        if self.exit_code is None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self, timeout_s: float = 10.0) -> int:
        """Ends it and everything it started; returns its exit code. A second call does nothing more."""
        self.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=timeout_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait(timeout=timeout_s)

    def kill(self, timeout_s: float = 10.0) -> int:
        """Ends it at once, without a word, and everything it started; returns its exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return self._process.wait(timeout=timeout_s)

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code, or ``None`` if it still runs after so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(timeout=timeout_s)
        return None

    def tree(self) -> list[psutil.Process]:
        """It and its descendants, as far as they live now."""
        try:
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []
