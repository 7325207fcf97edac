"""Greengrass deployments as the real service refuses them: the model of its API, and what its documents say beside it.

Source: botocore's model of greengrassv2 (types, required members, patterns, enumerations, ranges); AWS IoT Greengrass
V2 developer guide, *Create deployments* and *Update component configurations* (what is checked beyond the model).
"""

import copy
import json
import re
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.model import Shape
from botocore.validate import ParamValidator

_MODEL = botocore.session.get_session().get_service_model("greengrassv2")
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
        _check("ListDeployments", given)
        found = [one for one in self._deployments if one["targetArn"] == given["targetArn"]]
        assert given["historyFilter"] == "LATEST_ONLY"
        return {"deployments": [{"deploymentId": found[-1]["deploymentId"]}] if found else []}

    def get_deployment(self, **given: Any) -> dict[str, Any]:
        _check("GetDeployment", given)
        found = [one for one in self._deployments if one["deploymentId"] == given["deploymentId"]]
        if not found:
            raise _refused("GetDeployment", "ResourceNotFoundException", "no such deployment")
        return copy.deepcopy(found[0])

    def create_deployment(self, **given: Any) -> dict[str, Any]:
        _check("CreateDeployment", given)
        for name, component in given.get("components", {}).items():
            self._check_component(name, component)
        number = len(self._deployments) + 1
        known = {"deploymentId": f"deployment-{number}", "revisionId": str(number), "deploymentStatus": "ACTIVE"}
        self._deployments.append(copy.deepcopy(given) | known)
        return {"deploymentId": known["deploymentId"]}

    def _check_component(self, name: str, component: dict[str, Any]) -> None:
        version = component["componentVersion"]
        if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
            raise _refused("CreateDeployment", "ValidationException", f"{name} {version}: no name or no version")
        if version not in self._published.get(name, []):
            raise _refused("CreateDeployment", "ResourceNotFoundException", f"{name} {version} is not published")
        update = component.get("configurationUpdate", {})
        if "merge" in update:
            try:
                merge = json.loads(update["merge"])
            except ValueError as exc:
                raise _refused("CreateDeployment", "ValidationException", f"merge of {name}: {exc}") from exc
            if not isinstance(merge, dict):
                raise _refused("CreateDeployment", "ValidationException", f"merge of {name} is no object")
        for pointer in update.get("reset", []):
            if pointer and not pointer.startswith("/"):
                raise _refused("CreateDeployment", "ValidationException", f"reset {pointer!r} is no JSON pointer")


def _check(operation: str, given: dict[str, Any]) -> None:
    shape = _MODEL.operation_model(operation).input_shape
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        raise _refused(operation, "ValidationException", report.generate_report())
    _deeper(operation, shape, given, "")


def _deeper(operation: str, shape: Shape, value: Any, at: str) -> None:
    said = shape.metadata
    if "pattern" in said and not re.fullmatch(said["pattern"], value):
        raise _refused(operation, "ValidationException", f"{at}: {value!r} does not match {said['pattern']}")
    if "enum" in said and value not in said["enum"]:
        raise _refused(operation, "ValidationException", f"{at}: {value!r} is none of {said['enum']}")
    size = value if isinstance(value, int | float) else len(value)
    if not said.get("min", size) <= size <= said.get("max", size):
        raise _refused(operation, "ValidationException", f"{at}: {value!r} is out of range")
    if shape.type_name == "structure":
        for name, one in value.items():
            _deeper(operation, shape.members[name], one, f"{at}.{name}")  # type: ignore[attr-defined]
    elif shape.type_name == "map":
        for name, one in value.items():
            _deeper(operation, shape.key, name, f"{at}.{name}")  # type: ignore[attr-defined]
            _deeper(operation, shape.value, one, f"{at}.{name}")  # type: ignore[attr-defined]
    elif shape.type_name == "list":
        for one in value:
            _deeper(operation, shape.member, one, f"{at}[]")  # type: ignore[attr-defined]


def _refused(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)
