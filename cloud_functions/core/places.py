"""A place that more than one gateway has held: the latest continues the history of those before it.

The rows are an operator's (``thresher fleet replace``, ``retire``). Every gateway's events stay under its own name for
ever; only what is shown is joined.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec.structs import replace

from cloud_functions.core.devices import PlaceRow
from cloud_functions.core.keys import fleet_key
from cloud_functions.core.ports import AnyRow, Span, Table
from cloud_functions.core.views import DetailView

_MOST: Final = 20
"""Gateways in one place, one after the other; more would be a circle."""


def place_in(rows: Iterable[AnyRow]) -> PlaceRow | None:
    """Of the rows about one gateway."""
    return next((row for row in rows if isinstance(row, PlaceRow)), None)


def line(table: Table, gateway_id: str) -> Iterator[str]:
    """A gateway and those whose history it continues, the latest first; nothing is read before the second is wanted."""
    yield gateway_id
    seen = [gateway_id]
    while len(seen) < _MOST:
        pk, sk = fleet_key(seen[-1], "place")
        row = place_in(table.query(Span(pk, first=sk, last=sk)))  # who asks questions may query only
        if row is None or not row.replaces or row.replaces in seen:
            return
        seen.append(row.replaces)
        yield row.replaces


def continued(view: DetailView, older: DetailView) -> DetailView:
    """What the two gateways said, in the order of time; how it is now is the later one's."""
    return replace(
        view,
        summaries=sorted([*older.summaries, *view.summaries], key=lambda one: one.wall_ms),
        episodes=[*older.episodes, *view.episodes],
        losses=[*older.losses, *view.losses],
        drifts=[*older.drifts, *view.drifts],
        disagreements=[*older.disagreements, *view.disagreements],
        labels=[*older.labels, *view.labels],
        truncated=view.truncated + older.truncated,
        continues=[*view.continues, older.gateway_id],
    )
