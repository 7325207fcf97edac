"""Checks a job document before it is sent, more strictly than a gateway does: a gateway can only reject it.

Beside what cannot be understood (``contract.job_documents``): what every gateway refuses, what it reads over, and what
does not fit through a Greengrass nucleus lite, (``job_sizes``).

Not here: whether one gateway allows a handler; that is its own configuration.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from contract.errors import DocumentError
from contract.job_documents import OLD_VERSION, VERSION, Document, OldDocument, parse_document
from contract.jobs import SHELLS, Action, ApplyBundle, RunCommand, RunHandler
from operations.fleet.job_sizes import MAX_ANSWER_BYTES, PRESIGNED, answer_bytes

_PARAMETER: Final = re.compile(r"\$\{aws:iot:parameter:(?P<name>[^}]*)\}")
_OPEN: Final = re.compile(r"\$\{aws:iot:[^}]*$")
_S3: Final = re.compile(r"https://([a-z0-9.-]+\.)?s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?/.+")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to say about a document.

    Attributes:
        severity: ``error`` where a gateway refuses it or never gets it.
        place: Where, as a path from ``$``.
        problem: What is wrong.
        remedy: What to do.
    """

    severity: Literal["error", "warning"]
    place: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        """For a person."""
        return f"{self.severity}: {self.place}: {self.problem}" + (f"\n  try: {self.remedy}" if self.remedy else "")


def lint_file(file: Path, parameters: dict[str, str]) -> list[Finding]:
    """What is to be said about a file; its template parameters take the values given."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        return [Finding(severity="error", place="$", problem=f"cannot be read: {exc}")]
    return lint(_PARAMETER.sub(lambda found: _escaped(parameters.get(found["name"], found[0])), text))


def _escaped(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def lint(text: str) -> list[Finding]:
    """What is to be said about a document: errors first, in the document's order."""
    try:
        raw: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as exc:
        return [Finding(severity="error", place="$", problem=f"not JSON: {exc}")]
    found = [*_not_understood(raw), *_placeholders(raw), *_too_long(text), *_read_over(raw)]
    return sorted(found, key=lambda finding: finding.severity)


def _not_understood(raw: object) -> Iterator[Finding]:
    """Every step by itself, so that the first error does not hide the others."""
    of_steps = [finding for place, step in _steps(raw) for finding in _of_step(step, place)]
    yield from of_steps
    try:
        document = parse_document(raw)
    except DocumentError as exc:
        if not any(finding.place == exc.place for finding in of_steps):
            yield _of(exc, exc.place)
    else:
        if document.version == OLD_VERSION:
            yield from _refused(document.steps[0], "$")


def _steps(raw: object) -> Iterator[tuple[str, object]]:
    """The steps of a document, each with its place."""
    if isinstance(raw, dict) and raw.get("version") == VERSION:
        steps = raw.get("steps")
        yield from ((f"$.steps[{index}]", step) for index, step in enumerate(steps if isinstance(steps, list) else []))
        if raw.get("finalStep"):
            yield "$.finalStep", raw["finalStep"]


def _of_step(step: object, place: str) -> Iterator[Finding]:
    try:
        document = parse_document({"version": VERSION, "steps": [step]})
    except DocumentError as exc:
        yield _of(exc, exc.place.replace("$.steps[0]", place, 1))
    else:
        yield from _refused(document.steps[0], f"{place}.action")


def _of(error: DocumentError, place: str) -> Finding:
    return Finding(severity="error", place=place, problem=error.problem, remedy=error.remedy)


def _placeholders(raw: object) -> Iterator[Finding]:
    presigned = 0
    for place, text in _words(raw, "$"):
        if _OPEN.search(text):
            yield Finding(severity="error", place=place, problem="a placeholder is not closed", remedy="end it with }")
        for found in PRESIGNED.finditer(text):
            presigned += 1
            if not _S3.fullmatch(found["url"]):
                problem = f"{found['url']!r} is no address of an object in S3"
                remedy = "write https://s3.REGION.amazonaws.com/BUCKET/KEY"
                yield Finding(severity="error", place=place, problem=problem, remedy=remedy)
            if presigned > 1:
                problem = "a second presigned URL: a nucleus lite gets no message that long"
                yield Finding(
                    severity="error", place=place, problem=problem, remedy="put what is needed into one bundle"
                )


def _words(node: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield place, node
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _words(inner, f"{place}[{index}]")
    elif isinstance(node, dict):
        for key, inner in node.items():
            yield from _words(inner, f"{place}.{key}")


def _too_long(text: str) -> Iterator[Finding]:
    size = answer_bytes(text)
    if size > MAX_ANSWER_BYTES:
        problem = (
            f"a gateway gets it in a message of about {size} bytes, at most {MAX_ANSWER_BYTES} pass a nucleus lite"
        )
        yield Finding(severity="error", place="$", problem=problem, remedy="shorten it, or part it into several jobs")


def _refused(action: Action, place: str) -> Iterator[Finding]:
    if isinstance(action, RunCommand) and Path(action.input.argv()[0]).name in SHELLS:
        problem = f"{action.input.argv()[0]!r} is a shell, which no gateway runs"
        yield Finding(
            severity="error", place=f"{place}.input.command", problem=problem, remedy="name the program itself"
        )
    if isinstance(action, RunHandler) and "/" in action.input.handler:
        problem = f"{action.input.handler!r} is a path"
        yield Finding(
            severity="error", place=f"{place}.input.handler", problem=problem, remedy="name the folder as `path`"
        )
    if isinstance(action, ApplyBundle) and not re.match(r"https://|\$\{aws:iot:", action.input.url):
        yield Finding(severity="error", place=f"{place}.input.url", problem="no https:// address", remedy="use https")


def _read_over(raw: object) -> Iterator[Finding]:
    """Fields nobody reads: what is misspelt is lost without a word."""
    old = isinstance(raw, dict) and "version" not in raw
    kind: type[msgspec.Struct] = OldDocument if old else Document
    yield from _unknown(raw, kind, "$")
    for place, step in _steps(raw):
        yield from _unknown_in_step(step, place)


def _unknown_in_step(step: object, place: str) -> Iterator[Finding]:
    action: Any = step.get("action") if isinstance(step, dict) else None
    kinds = {kind.__struct_config__.tag: kind for kind in Action.__args__}
    kind = kinds.get(action.get("type")) if isinstance(action, dict) and isinstance(action.get("type"), str) else None
    if kind is not None:
        yield from _unknown(action, kind, f"{place}.action", but=("type",))
        inner = next(field.type for field in msgspec.structs.fields(kind) if field.name == "input")
        yield from _unknown(action.get("input"), inner, f"{place}.action.input")


def _unknown(node: object, kind: type[msgspec.Struct], place: str, *, but: tuple[str, ...] = ()) -> Iterator[Finding]:
    known = {*kind.__struct_encode_fields__, *but}
    for key in node if isinstance(node, dict) else ():
        if key not in known and not key.startswith("_"):
            remedy = f"there are {', '.join(sorted(known))}"
            yield Finding(severity="warning", place=f"{place}.{key}", problem="nobody reads it", remedy=remedy)
