"""What ``gdk component build`` runs: fills ``greengrass-build/`` from what was staged. The standard library only.

gdk makes ``greengrass-build/recipes`` and ``greengrass-build/artifacts/<name>/<version>``, runs this, and expects both
filled; the recipe under the name that ``recipe.yaml`` *resolves* to (gdk follows the link at the root of the checkout).
Works at the root, where it stages first, and in ``build/gdk/<Name>/``, where everything lies beside it.
Source: gdk 1.6.2, ``BuildCommand``, ``PublishRecipeTransformer``.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

_COMMAND = Path(".venv/bin/thresher")


def main(project: Path) -> int:
    """Builds the one component of a gdk project; 1 and a reason where that does not work."""
    name, version = _component(project)
    staged = project if list(project.glob("*.zip")) else _stage(project, name, version)
    if staged is None:
        return 1
    build = project / "greengrass-build"
    artifacts = build / "artifacts" / name / version
    for folder in (build / "recipes", artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    for archive in sorted(staged.glob("*.zip")):
        shutil.copyfile(archive, artifacts / archive.name)
    recipe = (project / "recipe.yaml").resolve().name
    shutil.copyfile(staged / "recipe.yaml", build / "recipes" / recipe)
    return 0


def _component(project: Path) -> tuple[str, str]:
    config = json.loads((project / "gdk-config.json").read_text(encoding="utf-8"))
    name, said = next(iter(config["component"].items()))
    return name, said["version"]


def _stage(project: Path, name: str, version: str) -> Path | None:
    command = project / _COMMAND
    if not command.exists():
        print(f"error: {command} is not there\ntry: make setup", file=sys.stderr)
        return None
    arguments = ["components", "stage", "--component", name, "--version", version]
    done = subprocess.run([str(command), *arguments], cwd=project, check=False)
    return project / "build" / "gdk" / name if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main(Path.cwd()))
