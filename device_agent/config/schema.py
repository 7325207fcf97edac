"""The document as JSON Schema, for editors that complete, explain and check while one types.

What an editor shows beside a key is that key's sentence in the Struct's own docstring.

Not here: checks that no schema can say (``uplink.check_uplink``, names that are used twice).
"""

import inspect
import re
from typing import Any, Final

import msgspec

from device_agent.config.document import GatewayConfig
from device_agent.config.parts import parts_of

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)


def schema(*, layer: bool = False) -> dict[str, Any]:
    """Of a gateway's document, or of a layer below one, in which nothing is required."""
    structs = parts_of(GatewayConfig)
    references, parts = msgspec.json.schema_components(structs, ref_template="#/$defs/{name}")
    for struct, reference in zip(structs, references, strict=True):
        part = parts[reference["$ref"].removeprefix("#/$defs/")]
        part["description"] = _first_paragraph(struct)
        for key, meaning in _meanings(struct).items():
            if key in part["properties"]:
                part["properties"][key] = {**part["properties"][key], "description": meaning}
        if layer:
            part.pop("required", None)
    return {"$schema": DIALECT, "title": "A Thresher gateway", **references[0], "$defs": parts}


def _meanings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Key and sentence, also of the Structs it is made from."""
    found: dict[str, str] = {}
    for each in reversed(struct.__mro__):
        _, _, attributes = (inspect.cleandoc(each.__doc__) if each.__doc__ else "").partition("Attributes:\n")
        found |= {key: _one_line(text) for key, text in _ATTRIBUTE.findall(attributes)}
    return found


def _first_paragraph(struct: type[msgspec.Struct]) -> str:
    return _one_line((struct.__doc__ or "").split("\n\n")[0])


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("``", "`")).strip()
