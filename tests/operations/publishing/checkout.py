"""A checkout in miniature: two components, one wheel, the lock file that knows it."""

import base64
import hashlib
import json
import zipfile
from pathlib import Path

PYTHON = "3.11"

RECIPE = """\
# what the demonstration is
RecipeFormatVersion: "2020-01-25"
ComponentName: {name}
ComponentVersion: "1.0.0"
Manifests:
  - Name: aarch64
    Platform: {{os: linux, architecture: aarch64, runtime: "*"}}
    Lifecycle:
      run: exec python3 -u {{artifacts:path}}/{name}-aarch64.zip run
    Artifacts:
      - Uri: s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/{name}-aarch64.zip
  - Name: amd64
    Platform: {{os: linux, architecture: amd64, runtime: "*"}}
    Lifecycle:
      run: exec python3 -u {{artifacts:path}}/{name}-amd64.zip run
    Artifacts:
      - Uri: s3://BUCKET_NAME/COMPONENT_NAME/COMPONENT_VERSION/{name}-amd64.zip
"""

MAIN = "import grain, ours\nprint('separated', grain.WHAT, ours.NAME)\n"


def make_wheel(
    folder: Path, *, name: str = "grain", version: str = "1.2", what: str = "wheat", tag: str = "py3-none-any"
) -> Path:
    """A wheel with one module, an entry under ``.data`` that belongs in site-packages, and one that does not."""
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", f"WHAT = {what!r}\n")
        wheel.writestr(f"{name}-{version}.data/purelib/{name}_extra.py", "EXTRA = True\n")
        wheel.writestr(f"{name}-{version}.data/scripts/{name}", "#!python\n")
        wheel.writestr(
            f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(f"{name}-{version}.dist-info/RECORD", "")
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def base64_sha256(path: Path) -> str:
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


def make_checkout(root: Path, wheel: Path) -> Path:
    """Writes it; ``wheel`` is what its lock file asks for."""
    for package, text in (("ours", "NAME = 'ours'\n"), ("alone", "")):
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").write_text(text)
    (root / "ours" / "notes.txt").write_text("not shipped")
    (root / "components" / "demo").mkdir(parents=True)
    (root / "components" / "demo" / "main.py").write_text(MAIN)
    (root / "recipes").mkdir()
    for name in ("io.example.Demo", "io.example.Other"):
        (root / "recipes" / f"{name}.yaml").write_text(RECIPE.format(name=name))
    (root / "recipe.yaml").symlink_to("recipes/io.example.Demo.yaml")
    (root / "requirements").mkdir()
    (root / "requirements" / "gateway.lock").write_text(
        f"grain==1.2 ; sys_platform == 'linux' \\\n    --hash=sha256:{sha256(wheel)} \\\n    --hash=sha256:{'0' * 64}\n"
        f"only-arm==3.0 ; platform_machine == 'aarch64' \\\n    --hash=sha256:{'1' * 64}\n"
    )
    source = {"source": "components/demo", "packages": ["ours"], "requirements": ["grain"]}
    config = {
        "component": {
            "io.example.Demo": {
                "author": "Example",
                "version": "1.0.0",
                "build": {"build_system": "custom", "custom_build_command": ["python3", "gdk_build.py"]},
                "publish": {"bucket": "example", "region": "eu-central-1"},
            }
        },
        "gdk_version": "1.6.2",
        "components": {"io.example.Demo": source, "io.example.Other": {**source, "requirements": []}},
    }
    (root / "gdk-config.json").write_text(json.dumps(config))
    return root
