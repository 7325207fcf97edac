"""What every component is configured with, kept through a nucleus's restart.

A deployment first asks what a component's configuration would be (``resolve``: running, then reset, then the recipe's
defaults where nothing stands, then merge), has it validated, and then makes it so (``install``).

Not here: the rules of merging (``trees``), who is told of a change (``services.configuration``).
"""

import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from device_agent.files import atomic_write
from twin.errors import TwinError
from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.profile import Profile
from twin.nucleus.trees import (
    KeyPath,
    Leaf,
    Tree,
    differences,
    dump,
    filled,
    find,
    leaves,
    load,
    merged,
    newest_ms,
    plain,
    pointer,
    without,
)

_OLDER: Final = "Proposed timestamp is older than the config's latest modified timestamp"
Value = dict[str, object]


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration that is not yet a component's.

    Attributes:
        component: Whose it would be.
        tree: With times.
    """

    component: str
    tree: Tree

    @property
    def value(self) -> Value:
        """As the component would read it."""
        return {key: plain(child) for key, child in self.tree.items()}


class ConfigurationStore:
    """Any thread may call.

    Args:
        path: Of the file it is kept in; None keeps it in memory.
        profile: Whose limits apply.

    Raises:
        TwinError: The file cannot be read.
    """

    def __init__(self, path: Path | None, profile: Profile) -> None:
        self._path = path
        self._profile = profile
        self._mutex = threading.RLock()
        self._trees: dict[str, Tree] = _load(path) if path is not None and path.exists() else {}

    def read(self, component: str, key_path: KeyPath = ()) -> object:
        """A value, or a mapping of values.

        Raises:
            KeyError: There is nothing at that place.
        """
        with self._mutex:
            node = find(self._trees[component], key_path)
        if node is None:
            raise KeyError("/".join(key_path))
        return plain(node)

    def is_leaf(self, component: str, key_path: KeyPath) -> bool:
        """Whether a value stands there, not a mapping."""
        with self._mutex:
            return isinstance(find(self._trees.get(component, {}), key_path), Leaf)

    def update(self, component: str, key_path: KeyPath, value: object, *, ms: int, now_ms: int) -> list[KeyPath]:
        """Merges a component's own change.

        Args:
            component: Whose.
            key_path: Where; the mapping there is made if it is missing.
            value: What to merge.
            ms: Unix milliseconds of the change.
            now_ms: Of now: what is new on the classic nucleus is as old as now.

        Returns:
            Where something changed.

        Raises:
            NucleusIpcError: Something newer stands there (classic), or the value does not fit (lite).
        """
        with self._mutex:
            old = self._trees.setdefault(component, {})
            is_new = find(old, key_path) is None and not self._profile.is_lite
            new = merged(old, _nested(key_path, value), now_ms if is_new else ms)
            if self._profile.is_lite:
                self._check_update(component, old, _nested(key_path, value))
                written = [path for path, leaf in leaves(new) if leaf.ms == ms and _is_under(path, key_path)]
            else:
                written = differences(old, new)
            self._trees[component] = new
            self._save()
            node = find(new, key_path)
        if not self._profile.is_lite and not is_new and node is not None and ms < newest_ms(node):
            raise NucleusIpcError("FailedUpdateConditionCheckError", _OLDER)
        return written

    def resolve(
        self,
        component: str,
        *,
        defaults: Mapping[str, object] | None = None,
        reset: Iterable[str] = (),
        merge: Mapping[str, object] | None = None,
        ms: int,
    ) -> Resolved:
        """What a deployment would make of a component's configuration; changes nothing.

        Args:
            component: Whose.
            defaults: ``DefaultConfiguration`` of the recipe that is to be installed.
            reset: JSON pointers of what is to go back to the defaults; the empty one resets everything.
            merge: Of the deployment.
            ms: Unix milliseconds of the deployment.

        Raises:
            TwinError: A pointer is none, or this nucleus cannot hold what would be.
        """
        with self._mutex:
            tree = self._trees.get(component, {})
        for written in reset:
            try:
                tree = without(tree, pointer(written))
            except ValueError as exc:
                raise TwinError(f"reset of {component}: {exc}", remedy="write it as /key/key") from exc
        if self._profile.is_lite:
            self._check(component, tree, defaults or {})
        tree = filled(tree, defaults or {})
        if self._profile.is_lite:
            self._check(component, tree, merge or {})
        return Resolved(component=component, tree=merged(tree, merge or {}, ms))

    def install(self, resolved: Resolved) -> list[KeyPath]:
        """Makes it the component's; returns where a value came, went or changed."""
        with self._mutex:
            old = self._trees.get(resolved.component, {})
            self._trees[resolved.component] = resolved.tree
            self._save()
        return differences(old, resolved.tree)

    def remove(self, component: str) -> None:
        """Forgets a component's configuration."""
        with self._mutex:
            self._trees.pop(component, None)
            self._save()

    def snapshot(self) -> dict[str, Tree]:
        """Everything as it is now, for a rollback."""
        with self._mutex:
            return dict(self._trees)

    def restore(self, snapshot: Mapping[str, Tree]) -> dict[str, list[KeyPath]]:
        """Makes it what it was; returns where something changed, by component."""
        with self._mutex:
            before, self._trees = self._trees, dict(snapshot)
            self._save()
        names = {*before, *snapshot}
        return {name: differences(before.get(name, {}), snapshot.get(name, {})) for name in sorted(names)}

    def _check_update(self, component: str, old: Tree, values: Mapping[str, object]) -> None:
        try:
            self._check(component, old, values)
        except TwinError as exc:
            raise NucleusIpcError("ServiceError", "Failed to update the configuration.") from exc

    def _check(self, component: str, old: Tree, values: Mapping[str, object]) -> None:
        """Refuses what the lite nucleus cannot write.

        Raises:
            TwinError: A mapping would take a value's place, or a value a mapping's, or a value is too large.
        """
        for path, leaf in leaves(merged({}, values, 0)):
            above = (find(old, path[:length]) for length in range(1, len(path)))
            size, limit = _json_bytes(leaf.value), self._profile.leaf_bytes
            place = f"configuration of {component}: /{'/'.join(path)}"
            if size > limit:
                remedy = f"the lite nucleus holds {limit} bytes a value (a list is one): spread it over a mapping"
                raise TwinError(f"{place}: the value takes {size} bytes", remedy=remedy)
            if isinstance(find(old, path), dict) or any(isinstance(each, Leaf) for each in above):
                remedy = "the lite nucleus changes no value to a mapping and no mapping to a value: reset it first"
                raise TwinError(f"{place}: what stands there is of the other kind", remedy=remedy)

    def _save(self) -> None:
        if self._path is not None:
            written = {name: dump(tree) for name, tree in self._trees.items()}
            atomic_write(self._path, json.dumps(written, indent=1).encode())


def _nested(key_path: KeyPath, value: object) -> Value:
    for key in reversed(key_path):
        value = {key: value}
    return dict(value) if isinstance(value, Mapping) else {}


def _is_under(path: KeyPath, root: KeyPath) -> bool:
    return path[: len(root)] == root


def _json_bytes(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def _load(path: Path) -> dict[str, Tree]:
    try:
        written = json.loads(path.read_bytes())
        return {name: load(node) for name, node in written.items()}
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        raise TwinError(f"{path}: {exc}", remedy="remove the file to start with the recipes' defaults") from exc
