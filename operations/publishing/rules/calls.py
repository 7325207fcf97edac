"""Policies against the calls the code makes: no call without a policy, no policy without a call."""

from collections.abc import Iterator

from operations.publishing.findings import Finding
from operations.publishing.reading import Recipe
from operations.publishing.rules.access import SERVICES

AUTHORISED = frozenset(name for names in SERVICES.values() for name in names)
"""Operations that a policy must allow; the others need none."""


def check(recipe: Recipe) -> Iterator[Finding]:
    """See above; says nothing where the code is not known."""
    if recipe.calls is None:
        return
    allowed: set[str] = set()
    for service in recipe.configuration.get("accessControl").entries:
        for policy in service.node.entries:
            for operation in policy.node.get("operations").items:
                name = operation.text.rpartition("#")[2]
                allowed |= set(SERVICES.get(service.key, ())) if name == "*" else {name}
                if name != "*" and name not in recipe.calls:
                    said = f"nothing calls {name}"
                    yield recipe.finding("operation-unused", operation, said, remedy="take it out")
    at = recipe.root.get("ComponentConfiguration")
    for name in sorted((recipe.calls & AUTHORISED) - allowed):
        service_name = next(service for service, names in SERVICES.items() if name in names)
        yield recipe.finding(
            "operation-missing",
            at if at.there else recipe.root,
            f"the code calls {name}, which no policy allows",
            remedy=f"allow aws.greengrass#{name} under {service_name}",
        )
