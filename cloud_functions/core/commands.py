"""The label API: what a person says, in; what was kept, out.

POST /api/gateways/{id}/episodes/{episode}/label   {"label": "true" | "false" | "ignore"}
POST /api/gateways/{id}/feedback/reset             {}: every threshold back to the calibration's; labels stay

Apart from the query API, whose function may only read. Who says so is what the API's authorisation knows, never what
the body claims. Saying a thing again changes nothing.
"""

from typing import Final, NamedTuple
from urllib.parse import unquote

import msgspec

from cloud_functions.core.api import Reply, checked_gateway, reply
from cloud_functions.core.detail import feedback_view, label_view
from cloud_functions.core.errors import QueryError, StoreError
from cloud_functions.core.labelling import Labelling, Said
from cloud_functions.core.views import AnyView, ErrorView
from contract.feedback import Label

_MAX_BODY: Final = 1024


class Command(NamedTuple):
    """One request: a path, percent-encoded, its body, and who sent it."""

    path: str
    body: bytes
    by: str


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a label's request holds."""

    label: Label


_bodies = msgspec.json.Decoder(Body)


class Commands:
    """Does what is asked.

    Args:
        labelling: Where labels go.
    """

    def __init__(self, labelling: Labelling) -> None:
        self._labelling = labelling

    def obey(self, command: Command) -> Reply:
        """Does one thing; never raises for what the caller asked."""
        try:
            return reply(200, self._obey(command))
        except QueryError as exc:
            return reply(exc.status, ErrorView(error=str(exc), remedy=exc.remedy))
        except StoreError:
            return reply(503, ErrorView(error="the table or the broker does not answer", remedy="say it again"))

    def _obey(self, command: Command) -> AnyView:
        match [unquote(part) for part in command.path.strip("/").split("/")]:
            case ["api", "gateways", gateway_id, "episodes", episode_id, "label"]:
                gateway = checked_gateway(gateway_id)
                said = Said(gateway_id=gateway, episode_id=episode_id, label=_label(command.body), by=command.by)
                return label_view(self._labelling.label(said))
            case ["api", "gateways", gateway_id, "feedback", "reset"]:
                row = self._labelling.reset(checked_gateway(gateway_id))
                if view := feedback_view(row, None):
                    return view
                raise QueryError(
                    f"nothing was ever raised on {gateway_id!r}", status=404, remedy="GET /api/fleet lists the gateways"
                )
        raise QueryError(
            f"no such command: {command.path}",
            status=404,
            remedy="POST /api/gateways/{id}/episodes/{episode}/label",
        )


def _label(body: bytes) -> Label:
    try:
        if len(body) > _MAX_BODY:
            raise msgspec.ValidationError(f"longer than {_MAX_BODY} bytes")
        return _bodies.decode(body).label
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        remedy = 'send {"label": "true"}, "false" or "ignore"'
        raise QueryError(f"body: {exc}", status=400, remedy=remedy) from exc
