"""A Greengrass deployment revised: everything a target has stays, but for what is asked to change. Pure.

A deployment replaces its target's whole list: a component that is left out is removed from every device. So the list is
read, changed and written, and shown as a difference first. What is kept, whoever asks:

- the nucleus has a version; without it a dependency may bring a newer one and restart every component;
- ``reset: ["/accessControl"]`` for what changes: defaults of a new version never replace what a device already has;
- failure policy ``ROLLBACK``; components are asked before they are stopped.

Source: AWS IoT Greengrass V2 API, CreateDeployment; aws-greengrass-nucleus, KernelConfigResolver.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from operations.errors import OperationError

NUCLEI: Final = ("aws.greengrass.Nucleus", "aws.greengrass.NucleusLite")
_ACCESS: Final = "/accessControl"
_OUR_PREFIX: Final = "io.thresher."


class ConfigurationUpdate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a component's configuration changes: ``reset`` first (JSON pointers), then ``merge`` (JSON)."""

    merge: str | None = None
    reset: list[str] = []


class Component(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One component of a deployment."""

    component_version: str
    configuration_update: ConfigurationUpdate | None = None
    run_with: dict[str, Any] | None = None


class Revision(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """CreateDeployment's parameters."""

    target_arn: str
    components: dict[str, Component]
    deployment_policies: dict[str, Any]
    iot_job_configuration: dict[str, Any]
    deployment_name: str | None = None
    parent_target_arn: str | None = None
    tags: dict[str, str] | None = None


class Current(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a target has: of GetDeployment's answer what is kept. Without an id it has nothing yet."""

    target_arn: str
    deployment_id: str = ""
    deployment_name: str | None = None
    components: dict[str, Component] = {}
    parent_target_arn: str | None = None
    tags: dict[str, str] | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked.

    Attributes:
        versions: By component; a nucleus among them pins it.
        merges: By component: JSON to merge into its configuration.
        removed: Components that go.
        rate: Devices told in a minute, at first and at most.
        failed_percent: Of devices that fail, for the service to stop.
        timeout_minutes: For one device.
    """

    versions: dict[str, str] = {}
    merges: dict[str, str] = {}
    removed: list[str] = []
    rate: tuple[int, int] = (10, 200)
    failed_percent: float = 10.0
    timeout_minutes: int = 60


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the difference."""

    sign: Literal["+", "-", "~", " "]
    component: str
    before: str = ""
    after: str = ""


def revise(current: Current, change: Change) -> Revision:
    """The deployment that replaces the target's.

    Raises:
        OperationError: The nucleus would have no version, or something unknown is to go or to be configured.
    """
    kept = {name: one for name, one in current.components.items() if name not in change.removed}
    if unknown := sorted(set(change.removed) - set(current.components)):
        raise OperationError(f"{', '.join(unknown)}: not deployed to the target", remedy="leave it out of --remove")
    if unknown := sorted(set(change.merges) - set(kept) - set(change.versions)):
        raise OperationError(f"{', '.join(unknown)}: no version", remedy="name it with --component NAME=VERSION")
    for name in sorted(set(change.versions) | set(change.merges)):
        kept[name] = _changed(kept.get(name), name, change)
    if not any(name in kept for name in NUCLEI):
        raise OperationError(
            "the nucleus has no version, so a dependency could bring a newer one",
            remedy=f"pin what `aws greengrassv2 list-installed-components` says: --component {NUCLEI[0]}=VERSION",
        )
    return Revision(
        target_arn=current.target_arn,
        deployment_name=current.deployment_name,
        components=dict(sorted(kept.items())),
        deployment_policies=_POLICIES,
        iot_job_configuration=_job(change),
        parent_target_arn=current.parent_target_arn,
        tags=current.tags or None,
    )


def difference(current: Current, revision: Revision) -> Iterator[Line]:
    """Every component of both, by name: what comes, goes, changes and stays."""
    for name in sorted(set(current.components) | set(revision.components)):
        before, after = current.components.get(name), revision.components.get(name)
        sign: Literal["+", "-", "~", " "] = "+" if before is None else "-" if after is None else "~"
        if before == after:
            sign = " "
        yield Line(sign=sign, component=name, before=_said(before), after=_said(after))


_POLICIES: Final[dict[str, Any]] = {
    "failureHandlingPolicy": "ROLLBACK",
    "componentUpdatePolicy": {"timeoutInSeconds": 600, "action": "NOTIFY_COMPONENTS"},
    "configurationValidationPolicy": {"timeoutInSeconds": 60},
}


def _changed(before: Component | None, name: str, change: Change) -> Component:
    version = change.versions.get(name) or (before.component_version if before else "")
    update = before.configuration_update if before and before.configuration_update else ConfigurationUpdate()
    resets = [*update.reset] + [_ACCESS] * (name.startswith(_OUR_PREFIX) and _ACCESS not in update.reset)
    merge = _merged(name, update.merge, change.merges.get(name))
    update = ConfigurationUpdate(merge=merge, reset=resets)
    given = None if update == ConfigurationUpdate() else update
    return Component(
        component_version=version, configuration_update=given, run_with=before.run_with if before else None
    )


def _merged(name: str, before: str | None, asked: str | None) -> str | None:
    """What was merged before with what is asked on top: the deployment's document holds the whole of it."""
    if asked is None:
        return before
    try:
        old, new = json.loads(before or "{}"), json.loads(asked)
    except ValueError as exc:
        raise OperationError(f"configuration of {name}: {exc}", remedy="give a JSON object") from exc
    if not isinstance(new, dict):
        raise OperationError(f"configuration of {name}: no JSON object", remedy='give e.g. {{"document": {{}}}}')
    return json.dumps(_over(old, new), separators=(",", ":"), sort_keys=True)


def _over(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(old)
    for key, value in new.items():
        deeper = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = _over(both[key], value) if deeper else value
    return both


def _job(change: Change) -> dict[str, Any]:
    base, most = min(change.rate), max(change.rate)
    return {
        "jobExecutionsRolloutConfig": {
            "maximumPerMinute": most,
            "exponentialRate": {
                "baseRatePerMinute": base,
                "incrementFactor": 2.0,
                "rateIncreaseCriteria": {"numberOfSucceededThings": base},
            },
        },
        "abortConfig": {
            "criteriaList": [
                {
                    "failureType": "ALL",
                    "action": "CANCEL",
                    "thresholdPercentage": change.failed_percent,
                    "minNumberOfExecutedThings": min(base, 10),
                }
            ]
        },
        "timeoutConfig": {"inProgressTimeoutInMinutes": change.timeout_minutes},
    }


def _said(component: Component | None) -> str:
    if component is None:
        return ""
    update = component.configuration_update
    resets = f" reset {','.join(update.reset)}" if update and update.reset else ""
    merges = f" merge {update.merge}" if update and update.merge else ""
    return f"{component.component_version}{resets}{merges}"
