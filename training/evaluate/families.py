"""Who is measured, in the order of the table."""

from collections.abc import Callable, Iterable
from typing import Final

from training.evaluate import ours
from training.rivals import conv_ae, forest, t2q, trees, trivial
from training.rivals.port import Family

OURS: Final[dict[str, Callable[[], Family]]] = {
    "frozen": ours.frozen,
    "number": ours.number,
    "tuned": ours.tuned,
}

RIVALS: Final[dict[str, Callable[[], Family]]] = {
    "t2q": t2q.family,
    "conv-ae": conv_ae.family,
    "forest": forest.family,
    "trees": trees.family,
}

NAMES: Final = ("ours", "rivals", *OURS, *RIVALS)
"""What ``--only`` takes."""


def families(only: Iterable[str] = ("ours", "rivals")) -> list[Family]:
    """Those named; all-ones and position-only always, so that no figure stands without them."""
    wanted = {name for each in only for name in {"ours": OURS, "rivals": RIVALS}.get(each, (each,))}
    measured = [make() for name, make in (OURS | RIVALS).items() if name in wanted]
    return [trivial.all_ones(), trivial.position_only(), *measured]
