"""JSON Schemas of the contract, generated from its types: ``python -m contract.schema`` writes them.

A test compares them with the files in ``contract/schemas``, so a change of the contract is seen in review.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec

from contract.envelope import Envelope, Stored
from contract.feedback import Feedback
from contract.job_documents import Document, OldDocument
from contract.kinds import AnyEvent

FOLDER = Path(__file__).with_name("schemas")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Each schema by its file name."""
    (event, envelope, stored, feedback), components = msgspec.json.schema_components(
        (AnyEvent, Envelope, Stored, Feedback), ref_template="#/$defs/{name}"
    )
    jobs, job_components = msgspec.json.schema_components((Document, OldDocument), ref_template="#/$defs/{name}")
    _let_words_be_truths(job_components)
    components["Envelope"]["properties"]["events"]["items"] = event
    return {
        "event.schema.json": _document("event", event, components),
        "envelope.schema.json": _document("envelope", envelope, components),
        "feedback.schema.json": _document("feedback", feedback, components),
        "job.schema.json": _document("job document", {"anyOf": list(jobs)}, job_components),
        "stored.schema.json": _document("stored", stored, components),
    }


def _document(title: str, root: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    used: dict[str, Any] = {}
    _collect(root, components, used)
    return {"$schema": _DIALECT, "title": title, **root, "$defs": dict(sorted(used.items()))}


def _let_words_be_truths(node: object) -> None:
    """``Flag`` lists what it may be, which is not only what ``type: boolean`` says."""
    if isinstance(node, dict):
        if "enum" in node and node.get("type") == "boolean":
            del node["type"]
        for value in node.values():
            _let_words_be_truths(value)


def _collect(node: object, components: dict[str, Any], used: dict[str, Any]) -> None:
    if isinstance(node, dict):
        reference = node.get("$ref", "")
        name = reference.removeprefix("#/$defs/")
        if reference and name not in used:
            used[name] = components[name]
            _collect(components[name], components, used)
        for value in node.values():
            _collect(value, components, used)
    elif isinstance(node, list):
        for value in node:
            _collect(value, components, used)


def text(schema: dict[str, Any]) -> str:
    """A schema as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(schema, order="sorted"), indent=2).decode() + "\n"


def write(folder: Path = FOLDER) -> list[Path]:
    """Writes every schema; returns the files."""
    folder.mkdir(exist_ok=True)
    files = []
    for name, schema in schemas().items():
        file = folder / name
        file.write_text(text(schema), encoding="utf-8")
        files.append(file)
    return files


if __name__ == "__main__":
    for written in write():
        sys.stdout.write(f"{written}\n")
