"""Recipes for tests of the nucleus."""

import json

LINUX = {"os": "linux", "runtime": "*"}


def recipe(name="com.example.Hello", version="1.0.0", *, lifecycle=None, platform=LINUX, **more):
    """Of one component, as bytes of a JSON recipe."""
    manifest = {"Platform": platform, "Lifecycle": lifecycle if lifecycle is not None else {"run": "sleep 60"}}
    manifest |= {key: more.pop(key) for key in ("Artifacts", "Selections") if key in more}
    document = {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": name,
        "ComponentVersion": version,
        "Manifests": [manifest],
        **more,
    }
    return json.dumps(document).encode()


def put(folder, name="com.example.Hello", version="1.0.0", **more):
    """Writes one into a folder of recipes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-{version}.json").write_bytes(recipe(name, version, **more))


def needs(requirement=">=1.0.0", kind="HARD"):
    """A dependency."""
    return {"VersionRequirement": requirement, "DependencyType": kind}
