"""Every kind of event, and the lane it travels in."""

from contract.events import Disagreement, Drift, Episode, Lane, Loss
from contract.health import Health
from contract.readings import Context, Report, Summary

AnyEvent = Episode | Summary | Health | Context | Loss | Drift | Disagreement | Report


def lane_of(event: AnyEvent) -> Lane:
    """The lane an event travels in."""
    if isinstance(event, Summary | Report):
        return "summaries"
    if isinstance(event, Context):
        return "context"
    return "events"
