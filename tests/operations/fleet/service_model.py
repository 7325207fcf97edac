"""Requests judged by botocore's model of a service: types, required members, patterns, enumerations, ranges."""

import re
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.model import Shape
from botocore.validate import ParamValidator


def check(service: str, operation: str, given: dict[str, Any]) -> None:
    """Raises what the service would."""
    model = botocore.session.get_session().get_service_model(service)
    shape = model.operation_model(operation).input_shape
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        raise refused(operation, "ValidationException", report.generate_report())
    _deeper(operation, shape, given, "")


def _deeper(operation: str, shape: Shape, value: Any, at: str) -> None:
    said = shape.metadata
    if "pattern" in said and not re.fullmatch(_python(said["pattern"]), value):
        raise refused(operation, "ValidationException", f"{at}: {value!r} does not match {said['pattern']}")
    if "enum" in said and value not in said["enum"]:
        raise refused(operation, "ValidationException", f"{at}: {value!r} is none of {said['enum']}")
    size = value if isinstance(value, int | float) else len(value)
    if not said.get("min", size) <= size <= said.get("max", size):
        raise refused(operation, "ValidationException", f"{at}: {value!r} is out of range")
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


def refused(operation: str, code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def _python(pattern: str) -> str:
    """The pattern without the classes that only Java knows."""
    return pattern.replace(r"[^\p{C}]", r"[^\x00-\x1f\x7f-\x9f]")
