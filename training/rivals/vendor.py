"""The door to libraries that only rivals need; they are in an environment of their own."""

import importlib
import importlib.util
from types import ModuleType

REMEDY = "not installed: make evaluate"


def missing(*modules: str) -> str:
    """Why a rival cannot run here, or nothing."""
    return "" if all(importlib.util.find_spec(module) for module in modules) else REMEDY


def load(module: str) -> ModuleType:
    """The library; untyped, as they all are. Call it where it is used, so that importing a rival costs nothing."""
    return importlib.import_module(module)
