"""The tokens by which components are let in.

Classic makes one each time it loads a component; lite one a component, in the memory of its IPC server, so that all are
refused after that server alone was restarted. Sources: nucleus ``GenericExternalService.postInject``; greengrass-lite
``ggipcd/src/ipc_components.c``.
"""

import secrets
import string
import threading
from collections.abc import Callable
from typing import Final

from twin.nucleus.recipe import Runtime

_LETTERS: Final = string.ascii_uppercase + string.digits
_LENGTH: Final = 16


class Tokens:
    """Any thread may call it.

    Args:
        runtime: Whose rules hold.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._mutex = threading.Lock()
        self._components: dict[str, str] = {}

    def load(self, component: str) -> Callable[[], str]:
        """A component is loaded; gives the token of its next process."""
        if self._runtime == "lite":
            return lambda: self._known(component)
        token = self._mint(component)
        return lambda: token

    def component_of(self, token: str) -> str | None:
        """Who may use it; ``None`` for nobody."""
        with self._mutex:
            return self._components.get(token)

    def server_restarted(self) -> None:
        """The IPC server was restarted and not the nucleus: lite has forgotten every token."""
        if self._runtime == "lite":
            with self._mutex:
                self._components.clear()

    def _known(self, component: str) -> str:
        with self._mutex:
            found = next((token for token, name in self._components.items() if name == component), None)
        return found or self._mint(component)

    def _mint(self, component: str) -> str:
        token = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        with self._mutex:
            self._components[token] = component
        return token
