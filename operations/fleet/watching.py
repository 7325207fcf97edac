"""Looking on while the workflow works: every change of a rollout, once. Looking away changes nothing."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from operations.errors import OperationError
from operations.fleet.rollouts import OVER, Standing, State, standing
from operations.stack import Stack

FIRST_WITHIN_S: Final = 120.0
"""So long the workflow may take to write its first row."""


def watch(
    stack: Stack,
    rollout_id: str,
    *,
    every_s: float,
    until: Sequence[State] = OVER,
    first_within_s: float = FIRST_WITHIN_S,
) -> Iterator[Standing]:
    """Yields how it stands whenever that has changed, until it is one of ``until``.

    Raises:
        OperationError: The cloud did not answer, or the rollout did not begin.
    """
    last: Standing | None = None
    begin_by_s = time.monotonic() + first_within_s
    while True:
        try:
            now = standing(stack, rollout_id)
        except OperationError as exc:
            if last is not None or "no rollout" not in str(exc):
                raise
            if time.monotonic() >= begin_by_s:
                raise OperationError(
                    f"rollout {rollout_id!r} did not begin within {first_within_s:g} s",
                    remedy="look at the executions of the stack's rollout workflow",
                ) from exc
        else:
            if last is None or _shown(now) != _shown(last):
                yield now
            last = now
            if now.state in until:
                return
        time.sleep(every_s)


def lines(found: Standing) -> Iterator[str]:
    """For a person: the rollout, its waves, and what failed grouped by its reason."""
    yield f"{found.rollout_id}: {found.what} {found.release} {found.state}: {found.reason}"
    for wave in found.waves:
        counts = ", ".join(f"{count} {status.lower()}" for status, count in sorted(wave.counts.items()))
        yield f"  {wave.name} ({wave.gateways}), {wave.state}: {counts or 'told'}"
        for reason, names in sorted(wave.reasons.items(), key=lambda one: -len(one[1])):
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")  # noqa: PLR2004 - as many as fit
            yield f"    {len(names)} x {reason}: {shown}"


def _shown(found: Standing) -> object:
    """What of it a person sees change; that a soak is a second shorter is none."""
    return found.state, found.wave, [(wave.state, wave.counts, wave.reasons) for wave in found.waves]
