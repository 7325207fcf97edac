"""The body of a request: JSON, within what a nucleus can hold of it."""

import json

from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.profile import Profile
from twin.nucleus.registry import Body


def read_request(payload: bytes, profile: Profile) -> Body:
    """A request as a mapping.

    Raises:
        NucleusIpcError: It is none, or too deep or too wide for this nucleus (lite: ``gg_json_decode_destructive``
            fails, which leaves the default error, without a message).
    """
    try:
        body = json.loads(payload or b"{}")
        depth, values = _extent(body)
    except (ValueError, RecursionError):
        body, depth, values = None, 0, 0
    is_too_deep = bool(profile.json_depth) and depth > profile.json_depth
    is_too_wide = bool(profile.json_values) and values > profile.json_values
    if not isinstance(body, dict) or is_too_deep or is_too_wide:
        raise NucleusIpcError("ServiceError", "" if profile.is_lite else "The request is not a JSON object.")
    return body


def _extent(value: object) -> tuple[int, int]:
    """How deep it is nested, and how many values it holds."""
    children: list[object] = []
    if isinstance(value, dict):
        children = list(value.values())
    elif isinstance(value, list):
        children = value
    extents = [_extent(child) for child in children]
    depth = 1 + max((each[0] for each in extents), default=0)
    return depth, len(children) + sum(each[1] for each in extents)
