"""Power cuts: a process ends at a named place and another begins."""

import threading
from collections.abc import Callable

from device_agent import fault_points


class CutError(BaseException):
    """The power is gone; nothing catches it."""


def places(run: Callable[[], object], wanted: str) -> list[str]:
    """Every place of a run whose name contains a word, each as often as it was reached."""
    seen: list[str] = []
    _with(seen.append, run)
    return [place for place in seen if wanted in place]


def cut_at(number: int, run: Callable[[], object], wanted: str) -> bool:
    """Runs until so many places were reached; whether it was cut."""
    left = [number]

    def reached(name: str) -> None:
        if wanted in name:
            left[0] -= 1
            if left[0] < 0:
                raise CutError(name)

    try:
        _with(reached, run)
    except CutError:
        return True
    return False


def _with(hook: Callable[[str], None], run: Callable[[], object]) -> None:
    me = threading.get_ident()
    fault_points.install(lambda name: hook(name) if threading.get_ident() == me else None)
    try:
        run()
    finally:
        fault_points.install(lambda _: None)
