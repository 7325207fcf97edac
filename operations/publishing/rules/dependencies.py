"""On other components.

Lite resolves a SOFT dependency like a HARD one, and knows ``aws.greengrass.Nucleus`` but not ``…NucleusLite`` as itself
(``ggdeploymentd/src/deployment_handler.c``, ``resolve_dependencies``).
"""

import re
from collections.abc import Iterator
from typing import Final

from operations.publishing.findings import Finding
from operations.publishing.reading import Recipe

_ONE: Final = r"(>=|<=|>|<|=|\^|~)?\s*v?\d+(\.(\d+|x|\*)){0,2}(-[0-9A-Za-z.\-]+)?(\+[0-9A-Za-z.\-]+)?"
_RANGE: Final = re.compile(rf"\*|{_ONE}(\s+-\s+{_ONE})?((\s+|\s*\|\|\s*|\s*,\s*){_ONE})*")
_LITE: Final = "aws.greengrass.NucleusLite"


def check(recipe: Recipe) -> Iterator[Finding]:
    """See above."""
    for entry in recipe.root.get("ComponentDependencies").entries:
        wanted = entry.node.get("VersionRequirement")
        if not wanted.there:
            remedy = 'add VersionRequirement: ">=1.0.0 <2.0.0"'
            yield recipe.finding("missing-key", entry, f"`{entry.key}` without VersionRequirement", remedy=remedy)
        elif not _RANGE.fullmatch(wanted.text.strip()):
            yield recipe.finding("dependency", wanted, f"`{wanted.text}`", remedy='a range, as ">=1.0.0 <2.0.0"')
        if entry.key == recipe.name:
            yield recipe.finding("dependency", entry, "depends on itself", remedy="take it out")
        if entry.key == _LITE and recipe.lite:
            yield recipe.finding(
                "lite-nucleus", entry, f"`{_LITE}`", remedy="take it out: a deployment names the nucleus"
            )
