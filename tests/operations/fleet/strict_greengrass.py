"""Greengrass deployments as the real service refuses them: the model of its API, and what its documents say beside it.

Source: botocore's model of greengrassv2 (types, required members, patterns, enumerations, ranges); AWS IoT Greengrass
V2 developer guide, *Create deployments* and *Update component configurations* (what is checked beyond the model).
"""

import copy
import json
import re
from typing import Any

from tests.operations.fleet.service_model import check, refused

_VERSION = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_NAME = re.compile(r"[a-zA-Z0-9-_.]{1,128}")


class StrictGreengrass:
    """Deployments of targets; versions that exist.

    Args:
        published: Versions by component.
    """

    def __init__(self, published: dict[str, list[str]]) -> None:
        self._published = published
        self._deployments: list[dict[str, Any]] = []

    def list_deployments(self, **given: Any) -> dict[str, Any]:
        check("greengrassv2", "ListDeployments", given)
        found = [one for one in self._deployments if one["targetArn"] == given["targetArn"]]
        assert given["historyFilter"] == "LATEST_ONLY"
        return {"deployments": [{"deploymentId": found[-1]["deploymentId"]}] if found else []}

    def get_deployment(self, **given: Any) -> dict[str, Any]:
        check("greengrassv2", "GetDeployment", given)
        found = [one for one in self._deployments if one["deploymentId"] == given["deploymentId"]]
        if not found:
            raise refused("GetDeployment", "ResourceNotFoundException", "no such deployment")
        return copy.deepcopy(found[0])

    def create_deployment(self, **given: Any) -> dict[str, Any]:
        check("greengrassv2", "CreateDeployment", given)
        for name, component in given.get("components", {}).items():
            self._check_component(name, component)
        number = len(self._deployments) + 1
        known = {"deploymentId": f"deployment-{number}", "revisionId": str(number), "deploymentStatus": "ACTIVE"}
        self._deployments.append(copy.deepcopy(given) | known)
        return {"deploymentId": known["deploymentId"]}

    def _check_component(self, name: str, component: dict[str, Any]) -> None:
        version = component["componentVersion"]
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            raise refused("CreateDeployment", "ValidationException", f"{name} {version}: no name or no version")
        if version not in self._published.get(name, []):
            raise refused("CreateDeployment", "ResourceNotFoundException", f"{name} {version} is not published")
        update = component.get("configurationUpdate", {})
        if "merge" in update:
            try:
                merge = json.loads(update["merge"])
            except ValueError as exc:
                raise refused("CreateDeployment", "ValidationException", f"merge of {name}: {exc}") from exc
            if not isinstance(merge, dict):
                raise refused("CreateDeployment", "ValidationException", f"merge of {name} is no object")
        for pointer in update.get("reset", []):
            if pointer and not pointer.startswith("/"):
                raise refused("CreateDeployment", "ValidationException", f"reset {pointer!r} is no JSON pointer")
