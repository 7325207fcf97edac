"""The Lambda bundle and the packaged template, as ``sam package`` would make them, without SAM.

The bundle holds ``contract/`` and ``cloud_functions/``; what they depend on comes from the environment the twin
runs in. The template is the one that is deployed to AWS, unmodified but for one thing: every local ``CodeUri``
becomes the S3 address of the bundle.

Not here: the bundle for AWS with its requirements, and the deployment itself (``twin.deploy``).
"""

import hashlib
import importlib.util
import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import yaml

from twin.errors import TwinError

_PACKAGES: Final = ("contract", "cloud_functions")
_SOURCES: Final = (".py", ".json")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_SHORT_FORMS: Final = {"Ref": "Ref", "Condition": "Condition"}

Template = dict[str, Any]
"""A CloudFormation template: its shape is CloudFormation's."""


def package_folder(name: str) -> Path:
    """Where a package of this project lies, installed or in a checkout.

    Raises:
        TwinError: It is not there.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise TwinError(f"the package `{name}` is missing", remedy="install the whole distribution again")
    return Path(next(iter(spec.submodule_search_locations)))


def zip_bundle() -> bytes:
    """The bundle as a ZIP; the same sources give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for package in _PACKAGES:
            folder = package_folder(package)
            for source in sorted(folder.rglob("*")):
                if source.suffix in _SOURCES and "__pycache__" not in source.parts:
                    inside = Path(package, source.relative_to(folder))
                    archive.writestr(zipfile.ZipInfo(inside.as_posix(), _EPOCH), source.read_bytes())
    return buffer.getvalue()


def bundle_key(bundle: bytes) -> str:
    """The bundle's name in the bucket: its content's hash."""
    return f"lambda-{hashlib.sha256(bundle).hexdigest()[:16]}.zip"


def read_template(path: Path) -> Template:
    """A CloudFormation template with its short forms (``!Ref``, ``!Sub``, …) written out."""
    try:
        template = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader
    except (OSError, yaml.YAMLError) as exc:
        raise TwinError(f"{path}: {exc}", remedy="check the template with `cfn-lint`") from exc
    if not isinstance(template, dict):
        raise TwinError(f"{path}: this is no CloudFormation template", remedy="check it with `cfn-lint`")
    return template


def package_template(template: Template, code_uri: str) -> str:
    """The template as JSON, every function's code taken from ``code_uri``."""
    packaged = json.loads(json.dumps(template, default=str))
    function_defaults = packaged.get("Globals", {}).get("Function", {})
    if "CodeUri" in function_defaults:
        function_defaults["CodeUri"] = code_uri
    for resource in packaged["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function" and "CodeUri" in resource["Properties"]:
            resource["Properties"]["CodeUri"] = code_uri
    return json.dumps(packaged)


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = _SHORT_FORMS.get(suffix, f"Fn::{suffix}")
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {name: value}


_Loader.add_multi_constructor("!", _long_form)
