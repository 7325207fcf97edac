"""A component's recipe as one nucleus on this machine sees it.

Not here: how it is read from a file (``recipe_reader``), variables (``variables``), running its steps (``lifecycle``).
"""

from typing import Final, Literal

import msgspec

Runtime = Literal["classic", "lite"]

STEPS: Final = ("bootstrap", "install", "startup", "run", "shutdown", "recover", "uninstall")
LITE_STEPS: Final = ("bootstrap", "install", "startup", "run")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One lifecycle step.

    Attributes:
        script: For ``sh``, with its variables not yet filled in.
        timeout_s: ``None`` where the recipe gives none; text that is a variable stays text.
        skip_if: ``exists FILE`` or ``onpath NAME``; empty for never.
        privileged: Whether it wants to be root.
        environment: Beside the lifecycle's own.
    """

    script: str
    timeout_s: float | str | None = None
    skip_if: str = ""
    privileged: bool = False
    environment: dict[str, str] = {}


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a component.

    Attributes:
        file: Its name, the last part of the URI.
        unzip: Whether it is unpacked.
        read: Who may read it: ``NONE``, ``OWNER`` or ``ALL``.
        execute: Who may execute it.
        digest: Of SHA-256; empty where the recipe gives none.
    """

    file: str
    unzip: bool = False
    read: str = "OWNER"
    execute: str = "NONE"
    digest: bytes = b""


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """On another component. ``hard`` means that a dependent stops with it."""

    requirement: str
    hard: bool = True


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What one nucleus on this machine sees of a recipe.

    Attributes:
        defaults: ``ComponentConfiguration.DefaultConfiguration``.
        environment: ``Setenv`` of the whole lifecycle.
        steps: By name; ``run`` and ``startup`` never both.
    """

    name: str
    version: str
    dependencies: dict[str, Dependency] = {}
    defaults: dict[str, object] = {}
    environment: dict[str, str] = {}
    steps: dict[str, Step] = {}
    artifacts: tuple[Artifact, ...] = ()

    @property
    def serves(self) -> bool:
        """Whether it has something to keep running; the lite nucleus makes no unit for what does not."""
        return "run" in self.steps or "startup" in self.steps
