"""A recipe as its rules see it: manifests with the steps that belong to them, whichever way they are written.

A lifecycle may stand in a manifest, or once at the root by selection (``all``, ``linux``); a step may be a script or a
mapping. Source: AWS IoT Greengrass component recipe reference.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from operations.publishing.document import Entry, Node
from operations.publishing.findings import ERRORS, WARNINGS, Finding

STEPS: Final = ("bootstrap", "install", "startup", "run", "shutdown", "recover", "uninstall")
SELECTIONS: Final = ("all", "linux", "windows", "darwin")
LITE_RUNTIMES: Final = ("*", "aws_nucleus_lite")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One lifecycle step.

    Attributes:
        name: In lower case.
        entry: Key and value.
        lite: Whether a manifest for lite has it.
    """

    name: str
    entry: Entry
    lite: bool

    @property
    def script(self) -> Node:
        """What it runs; ``nothing`` where there is none."""
        return self.entry.node if self.entry.node.kind != "mapping" else self.entry.node.get("Script")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One manifest.

    Attributes:
        node: All of it.
        lifecycles: Mappings of steps that belong to it; none where it has no lifecycle.
        lite: Whether lite takes it.
    """

    node: Node
    lifecycles: tuple[Node, ...]
    lite: bool

    def steps(self) -> Iterator[Step]:
        """Of all its lifecycles."""
        for lifecycle in self.lifecycles:
            for entry in lifecycle.entries:
                if entry.key.lower() in STEPS:
                    yield from self._variants(entry)

    def _variants(self, entry: Entry) -> Iterator[Step]:
        """A step may itself be written by selection."""
        chosen = [one for one in entry.node.entries if one.key.lower() in SELECTIONS]
        for one in chosen or [entry]:
            variant = msgspec.structs.replace(entry, node=one.node)
            yield Step(name=entry.key.lower(), entry=variant, lite=self.lite)

    @property
    def artifacts(self) -> tuple[Node, ...]:
        """Its artifacts."""
        return self.node.get("Artifacts").items


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """One file.

    Attributes:
        path: As it is named in findings.
        size: Of the file, bytes.
        root: The document.
        is_json: Whether numbers keep their type under every nucleus.
        calls: IPC operations that the component's code calls; ``None`` where that is not known.
    """

    path: str
    size: int
    root: Node
    is_json: bool
    calls: frozenset[str] | None = None

    @property
    def name(self) -> str:
        """Of the component."""
        return self.root.get("ComponentName").text

    @property
    def configuration(self) -> Node:
        """What a component has where nobody says otherwise."""
        return self.root.get("ComponentConfiguration", "DefaultConfiguration")

    @property
    def lite(self) -> bool:
        """Whether any manifest is for lite."""
        return any(manifest.lite for manifest in self.manifests())

    def manifests(self) -> list[Manifest]:
        """All of them."""
        return [self._manifest(node) for node in self.root.get("Manifests").items if node.kind == "mapping"]

    def _manifest(self, node: Node) -> Manifest:
        runtime = node.get("Platform", "runtime").text
        own = node.get("Lifecycle")
        return Manifest(
            node=node,
            lifecycles=(own,) if own.entries else tuple(selected(self.root.get("Lifecycle"))),
            lite=runtime in LITE_RUNTIMES,
        )

    def finding(self, rule: str, at: Node | Entry, message: str, *, remedy: str, weak: bool = False) -> Finding:
        """One of this recipe; ``weak`` makes an error a warning."""
        return Finding(
            rule=rule,
            severity="error" if rule in ERRORS and not weak else "warning",
            path=self.path,
            line=at.spot.line,
            column=at.spot.column,
            message=f"{message}: {(ERRORS | WARNINGS)[rule]}",
            remedy=remedy,
        )


def selected(lifecycle: Node) -> Iterator[Node]:
    """The mappings of steps in a lifecycle at the root, which may be by selection."""
    if any(entry.key.lower() in STEPS for entry in lifecycle.entries):
        yield lifecycle
    else:
        yield from (entry.node for entry in lifecycle.entries if entry.node.kind == "mapping")
