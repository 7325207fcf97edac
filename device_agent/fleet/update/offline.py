"""Installs a bundle that was carried to the gateway: the same order, machine and verifier as by a job, without a cloud.

What the file says of itself is only used to order it; the machine believes none of it before it is verified.
"""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from contract.bundle import read_layout
from contract.errors import ContractError
from contract.jobs import Bundle
from contract.manifest import Manifest
from device_agent.errors import UpdateError
from device_agent.fleet.port import Outcome
from device_agent.fleet.update.download import describe
from device_agent.fleet.update.port import Order, Phase, Updates, UpdateState

TAKEN_WITHIN_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.2


def offline_order(bundle: Path, *, force: bool, wall_ms: int) -> Order:
    """The order for a bundle in a file.

    Raises:
        UpdateError: It is no bundle.
    """
    try:
        with bundle.open("rb") as file:
            manifest = msgspec.json.decode(read_layout(file).manifest, type=Manifest)
    except OSError as exc:
        raise UpdateError(f"{bundle}: {exc.strerror or exc}", remedy="give a bundle") from exc
    except (ContractError, msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise UpdateError(f"{bundle}: not a bundle: {exc}", remedy="thresher fleet bundle makes one") from exc
    said = Bundle(
        kind=manifest.kind, name=manifest.name, version=manifest.version, url="", size=1, sha256="0" * 64, force=force
    )
    described = describe(bundle, said)
    return Order(order_id=f"offline-{described.sha256[:12]}-{wall_ms}", bundle=described, submitted_wall_ms=wall_ms)


def install(
    updates: Updates,
    order: Order,
    *,
    tell: Callable[[Phase, str], None],
    taken_within_s: float = TAKEN_WITHIN_S,
    pause: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Submits an order and watches it to its end; an interruption, from the keyboard too, takes it back.

    Args:
        updates: To the machine.
        order: The order.
        tell: Called whenever it does something else, with what it waits for.
        taken_within_s: So soon a machine must take it.
        pause: Waits so many seconds.

    Raises:
        BusyError: Another order is not over.
        UpdateError: No machine takes it.
    """
    updates.submit(order)
    told, waited_s = ("", ""), 0.0
    with contextlib.ExitStack() as undo:
        undo.callback(updates.cancel, order.order_id)
        while order.order_id not in (state := updates.look()).ended:
            waited_s = 0.0 if state.order_id == order.order_id else waited_s + _LOOK_EVERY_S
            if waited_s > taken_within_s:
                raise UpdateError("nobody takes updates here", remedy="start `thresher supervise`, then install again")
            told = _tell(state, order, told, tell)
            pause(_LOOK_EVERY_S)
        undo.pop_all()
    return state.ended[order.order_id]


def _tell(
    state: UpdateState, order: Order, told: tuple[str, str], tell: Callable[[Phase, str], None]
) -> tuple[str, str]:
    now = state.phase, state.detail
    if state.order_id == order.order_id and now != told:
        tell(state.phase, state.detail)
        return now
    return told
