"""How often is asked and told, and how long is waited."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Of asking and telling.

    Attributes:
        ask_every_s: Seconds until the next job is asked for without a hint.
        tell_every_s: Seconds between two words of progress, at least.
        unheard_after: Unanswered questions in a row after which the next job is asked for without its document: maybe
            that is what does not come through; 0 for never.
        step_timeout_min: Minutes, see ``JobsConfig``.
    """

    ask_every_s: float = 3600.0
    tell_every_s: float = 5.0
    step_timeout_min: int = 60
    unheard_after: int = 0
