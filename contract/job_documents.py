"""What a job asks of a gateway: steps, one after another, if conditions hold.

```
{"version": "1.0", "conditions": [{"key": …, "value": […], "type": "stringEqual"}], "includeStdOut": true,
 "steps": [{"action": {"name": …, "type": …, "input": {…}}}, …], "finalStep": {"action": {…}}}
{"operation": …, "args": […], "path": …, "allowStdErr": 2, "includeStdOut": true}        the form before versions
```
That is the form of AWS managed templates and of aws-iot-device-client. What is empty or null is absent, since a
template's parameter without a value arrives as an empty word; a number or a truth may be a word for the same reason.
Fields this version does not know are ignored; an action it does not know is an error.

Source: awslabs/aws-iot-device-client, ``source/jobs/JobDocument.cpp``; AWS IoT Developer Guide, managed job templates.
Not here: the actions (``jobs``), whether a gateway does what they say.
"""

import re
from typing import Annotated, Any, Final, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta

from contract.errors import DocumentError
from contract.jobs import Action, Flag, RunCommand, RunHandler, Text

VERSION: Final = "1.0"
OLD_VERSION: Final = "0.0"
"""Of a document that states none."""

MAX_BYTES: Final = 32 * 1024
"""Of a document. Source: AWS IoT Jobs quotas."""

HELP: Final = "docs/jobs.md lists the fields of a document and of each action"

_T = TypeVar("_T")
_TYPES: Final = {str(action.__struct_config__.tag): action for action in get_args(Action)}
_PLACED: Final = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`$")


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold before anything is done.

    Attributes:
        key: An attribute of the gateway.
        value: What it may be.
        type: How it is compared.
    """

    key: Annotated[str, Meta(min_length=1)]
    value: Annotated[list[str], Meta(min_length=1)]
    type: Literal["stringEqual"] = "stringEqual"


class JobDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One document, checked as a whole.

    Attributes:
        version: ``1.0``; ``0.0`` for the form before versions.
        steps: At least one; each begins when the one before has succeeded.
        conditions: All must hold.
        final_step: Done after the steps if all have succeeded.
        include_stdout: As the document says; its actions say it too.
    """

    version: str
    steps: tuple[Action, ...]
    conditions: tuple[Condition, ...] = ()
    final_step: Action | None = None
    include_stdout: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step, as the JSON Schema states it."""

    action: Action


class Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The form with a version, as the JSON Schema states it; see ``JobDocument``."""

    version: Literal["1.0"]
    steps: Annotated[list[Step], Meta(min_length=1)]
    conditions: list[Condition] = []
    final_step: Step | None = None
    include_std_out: Flag = False


class OldDocument(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The form before versions, as the JSON Schema states it: one handler."""

    operation: Annotated[Text, Meta(min_length=1)]
    args: list[Text] = []
    path: Text = ""
    allow_std_err: Annotated[int, Meta(ge=0)] | None = None
    include_std_out: Flag = False


def parse_document(raw: object | bytes) -> JobDocument:
    """A document from its JSON, as bytes, text or what a JSON reader made of it.

    Raises:
        DocumentError: It cannot be understood; it says where and what its author may do.
    """
    document = _object(_decoded(raw), "$")
    if _present(document, "version"):
        return _with_version(document)
    return _before_versions(document)


def _decoded(raw: object) -> Any:  # noqa: ANN401 - any JSON
    try:
        text = raw if isinstance(raw, bytes | str) else msgspec.json.encode(raw)
        if len(text) > MAX_BYTES:
            raise DocumentError(
                f"the document has {len(text)} bytes, at most {MAX_BYTES} are allowed",
                remedy="put what is large into a bundle",
            )
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, OverflowError) as exc:
        raise DocumentError(f"the document is not JSON: {exc}", remedy=HELP) from exc


def _object(value: object, place: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise DocumentError(f"expected an object, got {_kind(value)}", place=place, remedy=HELP)


def _list(document: dict[str, Any], field: str) -> list[Any]:
    value = document[field] if _present(document, field) else []
    if isinstance(value, list):
        return value
    raise DocumentError(f"expected a list, got {_kind(value)}", place=f"$.{field}", remedy=HELP)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a word", bool: "a truth", type(None): "null"}
    return names.get(type(value), "a number")


def _present(document: dict[str, Any], field: str) -> bool:
    """Whether it is stated: empty and null are not."""
    return document.get(field) not in (None, "")


def _stated(value: object) -> object:
    """An object without what is absent."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if inner not in (None, "")}


def _with_version(document: dict[str, Any]) -> JobDocument:
    version = document["version"]
    if version != VERSION:
        raise DocumentError(
            f"version {version!r} is not known", place="$.version", remedy=f'this gateway knows version "{VERSION}"'
        )
    stdout = _flag(document)
    steps = _list(document, "steps")
    if not steps:
        raise DocumentError("there are no steps", place="$.steps", remedy="state at least one step with an action")
    return JobDocument(
        version=VERSION,
        conditions=tuple(
            _converted(_stated(each), Condition, f"$.conditions[{index}]")
            for index, each in enumerate(_list(document, "conditions"))
        ),
        steps=tuple(_step(each, f"$.steps[{index}]", stdout=stdout) for index, each in enumerate(steps)),
        final_step=_step(document["finalStep"], "$.finalStep", stdout=stdout)
        if _present(document, "finalStep")
        else None,
        include_stdout=stdout,
    )


def _before_versions(document: dict[str, Any]) -> JobDocument:
    if not _present(document, "operation"):
        raise DocumentError("there is no version", place="$.version", remedy=f'state "version": "{VERSION}"')
    old = _converted(_stated(document), OldDocument, "$")
    action = {
        "name": old.operation,
        "input": {"handler": old.operation, "args": old.args, "path": old.path},
        "allowStdErr": old.allow_std_err,
        "includeStdOut": old.include_std_out,
    }
    step: Action = _converted(action, RunHandler, "$")
    return JobDocument(version=OLD_VERSION, steps=(step,), include_stdout=old.include_std_out)


def _flag(document: dict[str, Any]) -> bool:
    value = document["includeStdOut"] if _present(document, "includeStdOut") else False
    return _converted(value, bool, "$.includeStdOut")


def _step(step: object, place: str, *, stdout: bool) -> Action:
    fields = _object(step, place)
    if not _present(fields, "action"):
        raise DocumentError("the step has no action", place=place, remedy='state "action" with name, type and input')
    place = f"{place}.action"
    action = _object(_stated(_object(fields["action"], place)), place)
    if "input" in action:
        action["input"] = _stated(action["input"])
    kind = action.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        what = f"action type {kind!r} is not known" if "type" in action else "the action has no type"
        raise DocumentError(what[:200], place=f"{place}.type", remedy=f"this gateway knows {', '.join(_TYPES)}")
    parsed: Action = _converted(action, _TYPES[kind], place)
    if isinstance(parsed, RunCommand):
        _check_command(parsed, f"{place}.input.command")
    if stdout and isinstance(parsed, RunHandler | RunCommand):
        return msgspec.structs.replace(parsed, include_std_out=True)
    return parsed


def _check_command(action: RunCommand, place: str) -> None:
    argv = action.input.argv()
    if not argv or not argv[0]:
        raise DocumentError("the command names no program", place=place, remedy="write program,argument,argument")
    if any(character.isspace() for character in argv[0]):
        raise DocumentError(
            f"the program {argv[0][:80]!r} has a space in its name",
            place=place,
            remedy="part the program and its arguments by commas",
        )


def _converted(value: object, kind: type[_T], place: str) -> _T:
    try:
        return msgspec.convert(value, kind, strict=False)
    except (msgspec.MsgspecError, RecursionError) as exc:
        problem, path = str(exc), ""
        if found := _PLACED.search(problem):
            problem, path = problem[: found.start()], found["path"]
        raise DocumentError(problem, place=place + path, remedy=HELP) from exc
