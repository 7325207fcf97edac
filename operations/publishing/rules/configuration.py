"""Default configuration: secrets that would be readable to many, numbers that are text."""

import re
from collections.abc import Iterator
from typing import Final

from operations.publishing.document import Node
from operations.publishing.findings import Finding
from operations.publishing.reading import Recipe

_NAMES: Final = re.compile(r"(?i)(^|_|-)(password|passwd|secret|token|api_?key|private_?key|access_?key|credentials?)$")
_SHAPES: Final = re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bghp_[A-Za-z0-9]{36}\b")
_HARMLESS: Final = re.compile(r"|[/.~].*|arn:.*|\{.*\}|file:.*|pkcs11:.*")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?|true|false")


def check(recipe: Recipe) -> Iterator[Finding]:
    """See above."""
    for key, node in recipe.root.leaves():
        if _SHAPES.search(node.text):
            yield _secret(recipe, node, "a key")
        elif _NAMES.search(key) and node.kind == "text" and not _HARMLESS.fullmatch(node.text):
            yield _secret(recipe, node, f"`{key}` with a value")
    for entry in recipe.configuration.entries:
        if entry.key != "accessControl":
            yield from _numbers(recipe, entry.node)


def _secret(recipe: Recipe, node: Node, what: str) -> Finding:
    return recipe.finding("secret", node, what, remedy="name a file of the device, or an AWS Secrets Manager secret")


def _numbers(recipe: Recipe, node: Node) -> Iterator[Finding]:
    for _, leaf in node.leaves():
        if leaf.quoted and _NUMBER.fullmatch(leaf.text):
            yield recipe.finding("string-number", leaf, f'"{leaf.text}" is text', remedy="take the quotes away")
