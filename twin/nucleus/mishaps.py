"""What can be made to go wrong, by name: one table for the control socket and the command line.

Not here: how each goes wrong (``faults``, ``ipc``).
"""

from collections.abc import Callable
from typing import NamedTuple

from twin.errors import UsageError
from twin.nucleus.nucleus import Nucleus


class Mishap(NamedTuple):
    """One switch: how it is written, what it does, and who does it."""

    usage: str
    help: str
    do: Callable[[Nucleus, list[str]], object]


MISHAPS: dict[str, Mishap] = {
    "stop-ipc": Mishap("stop-ipc", "the IPC server goes, every connection breaks", lambda n, _: n.ipc.stop()),
    "start-ipc": Mishap("start-ipc", "it comes back", lambda n, _: n.ipc.start()),
    "restart-ipc": Mishap("restart-ipc", "both; lite forgets every token", lambda n, _: n.restart_ipc()),
    "refuse-tokens": Mishap("refuse-tokens", "nobody is let in any more", lambda n, _: n.ipc.faults.refuse_tokens()),
    "accept-tokens": Mishap("accept-tokens", "again", lambda n, _: n.ipc.faults.refuse_tokens(on=False)),
    "delay": Mishap(
        "delay SECONDS", "every answer so much later; 0 ends it", lambda n, w: n.ipc.faults.delay(_seconds(w))
    ),
    "mute": Mishap("mute [OPERATION…]", "no answer to these, or at all", lambda n, w: n.ipc.faults.mute(*w)),
    "fail": Mishap(
        "fail OPERATION [ERROR]",
        "answers it with an error; without one: no more",
        lambda n, w: n.ipc.faults.fail(*_failure(w)),
    ),
    "unmute": Mishap("unmute", "answers again", lambda n, _: n.ipc.faults.unmute()),
    "drop-subscriptions": Mishap(
        "drop-subscriptions [COMPONENT]",
        "they die without a word, connections stay",
        lambda n, w: {"dropped": n.ipc.drop_subscriptions(*w[:1])},
    ),
    "end-subscriptions": Mishap(
        "end-subscriptions", "the nucleus ends them and says so", lambda n, _: n.ipc.end_subscriptions()
    ),
    "offline": Mishap("offline", "IoT Core is out of reach", lambda n, _: n.ipc.go_offline()),
    "online": Mishap("online", "it is within reach again", lambda n, _: n.ipc.go_online()),
    "restart-component": Mishap(
        "restart-component NAME", "its processes end and start again", lambda n, w: n.roster[_known(n, w)].restart()
    ),
}


def happen(nucleus: Nucleus, name: str, words: list[str]) -> object:
    """Makes one happen; what it returns is shown.

    Raises:
        UsageError: There is no such mishap, or its words make no sense.
    """
    if name not in MISHAPS:
        raise UsageError(f"no fault is called `{name}`", remedy=", ".join(MISHAPS))
    return MISHAPS[name].do(nucleus, words)


def _seconds(words: list[str]) -> float:
    try:
        return max(0.0, float(words[0]))
    except (IndexError, ValueError) as exc:
        raise UsageError("delay needs a number of seconds", remedy="e.g. delay 0.5") from exc


def _failure(words: list[str]) -> tuple[str, str]:
    if not words:
        raise UsageError("fail needs an operation", remedy="e.g. fail PublishToIoTCore ServiceError")
    return words[0], "".join(words[1:2])


def _known(nucleus: Nucleus, words: list[str]) -> str:
    if not words or words[0] not in nucleus.roster:
        raise UsageError(f"no component {' '.join(words)}", remedy=", ".join(nucleus.roster.names()) or "deploy one")
    return words[0]
