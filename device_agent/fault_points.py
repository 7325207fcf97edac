"""Named places at which a harness may stop the process: the steps between which a power cut can fall.

``reach`` does nothing unless a hook was installed, and nothing that ships installs one: no environment
variable, no configuration, no signal. Only a harness's own main does, in a process that it started itself.
"""

from collections.abc import Callable


class _Hook:
    call: Callable[[str], None] | None = None


def install(hook: Callable[[str], None]) -> None:
    """Calls ``hook`` with the name of every place that is reached from now on, in this process."""
    _Hook.call = hook


def reach(name: str) -> None:
    """Says that a place is reached, e.g. ``spool.append.committed``."""
    if _Hook.call is not None:
        _Hook.call(name)
