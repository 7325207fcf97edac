"""Dynamic thing groups: gateways by site and by the version they run, kept by the service's fleet index.

```
thresher-site-<site>         attributes.site:<site> AND thingTypeName:<type> AND NOT attributes.retired:*
thresher-version-<version>   shadow.name.state.reported.software.version:<version> AND …
```
A job or a rollout that targets such a group reaches whoever is in it at the time. Source of the syntax: AWS IoT
Developer Guide, "Query syntax" and "Dynamic thing groups". Not here: static groups (a gateway joins one when it comes).
"""

import re
from typing import Any, Final, Literal

import msgspec
from botocore.exceptions import ClientError

from operations.errors import OperationError
from operations.stack import Stack, speaking

By = Literal["site", "version"]
_FIELDS: Final[dict[By, str]] = {
    "site": "attributes.site",
    "version": "shadow.name.state.reported.software.version",
}
_VALUE: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}")
_INDEX: Final = "AWS_Things"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One group.

    Attributes:
        name: Of the group; dots, which no group's name may have, are written as ``_``.
        query: Who is in it.
        made: Whether it was made now.
    """

    name: str
    query: str
    made: bool = False


def group_of(by: By, value: str, *, type_name: str) -> Group:
    """The group of a site or a version.

    Raises:
        OperationError: The value would not be one word of a query.
    """
    if not _VALUE.fullmatch(value):
        raise OperationError(f"{by} {value!r}", remedy="use letters, digits, `.`, `_` and `-`, at most 64")
    query = f'{_FIELDS[by]}:"{value}" AND thingTypeName:"{type_name}" AND NOT attributes.retired:*'
    return Group(name=f"thresher-{by}-{value.replace('.', '_')}", query=query)


def make(stack: Stack, by: By, value: str) -> Group:
    """Makes the group, or sees that it is there with this query.

    Raises:
        OperationError: Fleet indexing does not index what the query needs, or a service refused.
    """
    iot = stack.make("iot")
    group = group_of(by, value, type_name=stack.outputs.gateway_type_name)
    with speaking(f"the group {group.name}"):
        _demand_index(iot, by)
        try:
            iot.create_dynamic_thing_group(thingGroupName=group.name, queryString=group.query, indexName=_INDEX)
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
            iot.update_dynamic_thing_group(
                thingGroupName=group.name, queryString=group.query, thingGroupProperties={}, indexName=_INDEX
            )
            return group
    return msgspec.structs.replace(group, made=True)


def index(stack: Stack) -> None:
    """Has the service index what the queries need; costs money by the update. Raises ``OperationError``."""
    with speaking("fleet indexing"):
        stack.make("iot").update_indexing_configuration(
            thingIndexingConfiguration={
                "thingIndexingMode": "REGISTRY_AND_SHADOW",
                "namedShadowIndexingMode": "ON",
                "filter": {"namedShadowNames": ["state"]},
                "customFields": [{"name": _FIELDS["version"], "type": "String"}],
            }
        )


def _demand_index(iot: Any, by: By) -> None:  # noqa: ANN401 - a boto3 client
    known = iot.get_indexing_configuration().get("thingIndexingConfiguration", {})
    mode = known.get("thingIndexingMode", "OFF")
    shadows = known.get("namedShadowIndexingMode", "OFF") == "ON"
    if mode == "OFF" or (by == "version" and not shadows):
        raise OperationError(
            f"fleet indexing does not know {_FIELDS[by]}", remedy="`thresher fleet groups index` switches it on"
        )
