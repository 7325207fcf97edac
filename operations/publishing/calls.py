"""Which IPC operations a component's code calls: read from the source, without running it.

From ``main.py`` every module of our own that is imported, and the modules those import. A call is the construction of
a request of ``device_agent.ipc.operations`` (``PublishToTopic(…)``). What only one of two components uses must
therefore lie in a module that only one of them imports.
"""

import ast
import sys
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

_OPERATIONS: Final = "device_agent.ipc.operations"
_TOPICS: Final = "contract.topics"


def called(root: Path, main: Path, packages: Collection[str]) -> frozenset[str]:
    """Names of the operations; ``root`` is the checkout, ``packages`` are ours."""
    operations = _defined(root, _OPERATIONS, ast.ClassDef)
    # the door builds whatever it is asked for
    return _called(root, main, packages, but="device_agent/ipc/") & operations


def topics(root: Path, main: Path, packages: Collection[str]) -> frozenset[str]:
    """Names of the functions of ``contract.topics`` that are called."""
    return _called(root, main, packages, but="contract/") & _defined(root, _TOPICS, ast.FunctionDef)


def _called(root: Path, main: Path, packages: Collection[str], *, but: str) -> frozenset[str]:
    """Names of whatever is called, but in one folder of ours."""
    found: set[str] = set()
    for path in reached(root, main, packages):
        if not path.relative_to(root).as_posix().startswith(but):
            tree = _tree(path.read_text(encoding="utf-8"))
            found |= {_name(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return frozenset(found)


def reached(root: Path, main: Path, packages: Collection[str]) -> set[Path]:
    """Every file of ours that a program may import, itself included."""
    waiting, seen = [main], {main}
    while waiting:
        for path in _imports(root, waiting.pop(), packages):
            if path not in seen:
                seen.add(path)
                waiting.append(path)
    return seen


def foreign(root: Path, main: Path, packages: Collection[str], *, but: str = "") -> set[str]:
    """Top-level names of others' modules, wherever they are imported, but in one folder of ours."""
    names: set[str] = set()
    for path in reached(root, main, packages):
        if not but or not path.relative_to(root).as_posix().startswith(but):
            names |= {module.partition(".")[0] for module, _ in _modules(path)}
    return names - set(packages) - set(sys.stdlib_module_names)


@lru_cache(maxsize=512)
def _tree(text: str) -> ast.Module:
    """Parsed once, for all the components that share a file."""
    return ast.parse(text)


def _defined(root: Path, module: str, kind: type[ast.ClassDef | ast.FunctionDef]) -> frozenset[str]:
    path = root.joinpath(*module.split(".")).with_suffix(".py")
    if not path.is_file():
        return frozenset()
    return frozenset(node.name for node in _tree(path.read_text(encoding="utf-8")).body if isinstance(node, kind))


def _name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _modules(path: Path) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(_tree(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, [alias.name for alias in node.names]


def _imports(root: Path, path: Path, packages: Collection[str]) -> Iterator[Path]:
    for module, names in _modules(path):
        if module.partition(".")[0] in packages:
            for candidate in (module, *(f"{module}.{name}" for name in names)):
                yield from _files(root, candidate)


def _files(root: Path, module: str) -> Iterator[Path]:
    base = root.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            yield path
