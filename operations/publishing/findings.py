"""What a linter says: every rule by name and weight, and one place where it was broken."""

from typing import Final, Literal

import msgspec

Severity = Literal["error", "warning"]

ERRORS: Final = {
    "architecture": "an architecture that no nucleus knows",
    "artifact-missing": "an artifact that is used or listed is not there",
    "artifact-uri": "an artifact's address cannot be used, or two have one name",
    "component-name": "the name has a character or a length that is refused",
    "component-version": "not a semantic version",
    "dependency": "a requirement is not a range of versions, or a component depends on itself",
    "duplicate-key": "one key twice; the first is lost without a word",
    "format-version": "not the only format there is",
    "key-case": "lite reads a key in one case only",
    "lite-braces": "lite takes every { for the beginning of a recipe variable",
    "lite-dependency-variable": "lite fills in no variable of another component",
    "lite-size": "lite reads a recipe into 8,196 bytes",
    "manifests": "no manifest, or none with a step to run",
    "missing-key": "it is required",
    "operation": "an operation that its service does not have",
    "operation-missing": "the code calls what no policy allows",
    "policy": "a nucleus ignores it",
    "policy-id": "one policy id in two components",
    "resource": "lite fails a deployment with this resource",
    "run-and-startup": "only one of them runs",
    "secret": "a recipe is readable to many; this looks secret",
    "setenv": "a name or a value that does not survive",
    "size": "the cloud takes 16,000 bytes",
    "step": "a lifecycle step that no nucleus runs",
    "syntax": "not YAML or JSON",
    "timeout": "not a number of seconds",
    "topic": "more than 256 bytes or seven slashes, or not a topic filter",
    "unknown-key": "a key that no nucleus reads",
    "value": "not one of the values there are",
    "variable": "not a recipe variable, or one that stands for nothing",
    "version-reused": "one version with two contents",
    "wrong-type": "a list where a mapping belongs, or the like",
}

WARNINGS: Final = {
    "install-timeout": "120 s is the default, and too short to install packages on a small machine",
    "lite-ignored": "lite reads over it",
    "lite-install-only": "lite waits for a component to run, and fails the deployment after 300 s",
    "lite-nucleus": "lite looks for this component in the cloud and fails without it",
    "lite-policy-size": "lite reads a service's policies into 4,096 bytes",
    "lite-runtime": "without `runtime`, lite skips the manifest without a word",
    "lite-service": "lite has no such service",
    "lite-unarchive": "lite does not unpack what is deployed locally",
    "manifest-unreachable": "an earlier manifest fits every machine that this one fits",
    "operation-unused": "a policy allows what the code never calls",
    "pip": "packages from the network, or without hashes",
    "policy-version": "devices keep a policy whose id is unchanged, whatever it says",
    "privilege": "runs as root",
    "pubsub-wildcard": "local publish/subscribe takes + and # literally; * is its wildcard",
    "resource-wide": "every topic there is",
    "service": "a service that this linter does not know",
    "string-number": "a number or a truth in quotes is text",
    "unbuffered": "Python keeps its output back, so the log is late",
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule broken at one place.

    Attributes:
        rule: Of ``ERRORS`` or ``WARNINGS``.
        severity: An error does not work somewhere; a warning works, but not as it seems to.
        path: The recipe.
        line: From 1.
        column: From 1.
        message: What is wrong.
        remedy: What to write instead.
    """

    rule: str
    severity: Severity
    path: str
    line: int
    column: int
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}:{self.column}"
        return f"{place}: {self.severity} [{self.rule}] {self.message}\n  try: {self.remedy}"
