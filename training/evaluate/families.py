"""Who is measured, in the order of the table."""

from typing import Final, Literal

from training.evaluate import ours
from training.rivals import t2q, trivial
from training.rivals.port import Family

PARTS: Final = ("ours", "rivals")

Part = Literal["ours", "rivals"]


def families(only: Part | None = None) -> list[Family]:
    """All, or those of a part; all-ones and position-only always, so that no figure stands without them."""
    trivials = [trivial.all_ones(), trivial.position_only()]
    mine = [ours.frozen(), ours.tuned()] if only != "rivals" else []
    theirs = [t2q.family()] if only != "ours" else []
    return [*trivials, *mine, *theirs]
