"""Actions of job documents: those of our own, and those of AWS managed templates and aws-iot-device-client.

Ours have types of their own, so that another agent rejects what it does not know. Fields this version does not know are
ignored. Not here: the document around them (``job_documents``).
"""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

_TOKENS: Final = re.compile(r"(?:\\,|[^,])+")
"""A comma parts, ``\\,`` is one. Source: aws-iot-device-client, ``Util::SplitStringByComma``."""

Text = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
"""What can be an argument of a program: anything without a NUL."""

Flag = Annotated[bool, Meta(extra_json_schema={"enum": [True, False, "true", "false", ""]})]
"""True or false; also as a word, since a job template's parameters are words."""

SHELLS: Final = frozenset({"sh", "ash", "bash", "busybox", "csh", "dash", "fish", "ksh", "tcsh", "zsh"})
"""Programs that no gateway runs for ``runCommand``, whatever is allowed there."""

Kind = Literal["application", "model", "configuration"]


class Bundle(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What ``applyBundle`` is given. What else there is to know stands in the bundle's signed manifest.

    Attributes:
        kind: What it replaces.
        name: Of what: for a model its name, e.g. ``level``; else ``thresher``.
        version: Of the content, as its manifest states it.
        url: Where the bundle lies: https, mostly presigned; one per document.
        size: Bytes of the whole bundle.
        sha256: Of the whole bundle, hexadecimal.
        force: Also while an episode is open and outside the maintenance window.
    """

    kind: Kind
    name: str
    version: str
    url: str
    size: Annotated[int, Meta(gt=0)]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    force: bool = False


class ApplyBundle(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="applyBundle"):
    """Brings one version of one thing onto the gateway, or leaves it as it is."""

    name: str
    input: Bundle


class Nothing(msgspec.Struct, frozen=True):
    """An action that needs no input."""


class RotateCertificate(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="rotateCertificate"):
    """Gives the gateway a new key and certificate; the old one goes only after the new one has connected."""

    name: str
    input: Nothing = Nothing()


class Wanted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What ``collectDiagnostics`` is given.

    Attributes:
        upload_url: A presigned PUT; empty sends what fits as the job's status details only.
        parts: What is collected; empty for all.
        max_bytes: Of the archive; what does not fit is left out, oldest first, and said.
    """

    upload_url: str = ""
    parts: list[str] = []
    max_bytes: Annotated[int, Meta(gt=0, le=64 * 1024 * 1024)] = 4 * 1024 * 1024


class CollectDiagnostics(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="collectDiagnostics"):
    """Gathers what somebody needs who cannot visit the gateway."""

    name: str
    input: Wanted = Wanted()


class Sensors(msgspec.Struct, frozen=True, kw_only=True):
    """What ``recalibrate`` is given.

    Attributes:
        sensors: Which learn anew; empty for all.
    """

    sensors: list[str] = []


class Recalibrate(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="recalibrate"):
    """Makes filters learn anew what is normal."""

    name: str
    input: Sensors = Sensors()


class Restart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="restart"):
    """Restarts the gateway's processes."""

    name: str
    input: Nothing = Nothing()


class Reboot(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="reboot"):
    """Restarts the machine; over when it has another boot id."""

    name: str
    input: Nothing = Nothing()


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What ``runHandler`` is given.

    Attributes:
        handler: The program's name.
        args: Its arguments; the user to run as, or nothing, goes before them.
        path: Where it lies: empty or ``default`` for the gateway's folder of handlers.
    """

    handler: Annotated[Text, Meta(min_length=1)]
    args: list[Text] = []
    path: Text = ""


class Conduct(msgspec.Struct, frozen=True, kw_only=True):
    """How a program of a job is run and judged.

    Attributes:
        run_as_user: The local user; empty for the agent's own.
        allow_std_err: At most so many lines on its stderr; ``None`` for any number.
        include_std_out: Tell the end of its stdout; what the document says holds for each of its actions.
        ignore_step_failure: Go on with the next step also if this one fails.
    """

    run_as_user: Annotated[Text, Meta(max_length=256)] = msgspec.field(default="", name="runAsUser")
    allow_std_err: Annotated[int, Meta(ge=0)] | None = msgspec.field(default=None, name="allowStdErr")
    include_std_out: Flag = msgspec.field(default=False, name="includeStdOut")
    ignore_step_failure: Flag = msgspec.field(default=False, name="ignoreStepFailure")


class RunHandler(Conduct, frozen=True, kw_only=True, tag_field="type", tag="runHandler"):
    """Runs a program that was put on the gateway for jobs."""

    name: Annotated[Text, Meta(min_length=1)]
    input: Call


class CommandLine(msgspec.Struct, frozen=True, kw_only=True):
    """What ``runCommand`` is given.

    Attributes:
        command: The program and its arguments, parted by commas; before a comma of an argument stands a backslash.
    """

    command: Annotated[Text, Meta(min_length=1)]

    def argv(self) -> list[str]:
        """The program and its arguments; never empty once a document was parsed."""
        return [token.strip().replace("\\,", ",") for token in _TOKENS.findall(self.command)]


class RunCommand(Conduct, frozen=True, kw_only=True, tag_field="type", tag="runCommand"):
    """Runs a program of the machine, without a shell."""

    name: Annotated[Text, Meta(min_length=1)]
    input: CommandLine


Action = ApplyBundle | RotateCertificate | CollectDiagnostics | Recalibrate | Restart | Reboot | RunHandler | RunCommand
"""Every action this version knows."""


def ignores_failure(action: Action) -> bool:
    """Whether the steps after this one go on if it fails. An action of our own is never done in vain."""
    return isinstance(action, RunHandler | RunCommand) and action.ignore_step_failure
