import io
import json
import zipfile
from pathlib import Path

import pytest

from twin.bundle import package_template, read_template, zip_bundle
from twin.errors import TwinError

TEMPLATE = """
Globals:
  Function: {CodeUri: ../build/lambda}
Resources:
  Ingest:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: ../other, Role: !GetAtt Role.Arn, Name: !Sub "${Table.Arn}/x"}
  Rule:
    Type: AWS::IoT::TopicRule
    Properties: {Values: !If [OnAws, !Ref A, !Ref AWS::NoValue]}
"""


def test_only_the_code_address_changes(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(TEMPLATE)
    packaged = json.loads(package_template(read_template(path), "s3://bucket/key"))
    assert packaged["Globals"]["Function"]["CodeUri"] == "s3://bucket/key"
    ingest = packaged["Resources"]["Ingest"]["Properties"]
    assert ingest == {
        "CodeUri": "s3://bucket/key",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Name": {"Fn::Sub": "${Table.Arn}/x"},
    }
    values = packaged["Resources"]["Rule"]["Properties"]["Values"]
    assert values == {"Fn::If": ["OnAws", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]}


def test_a_broken_template_is_named(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("a: [")
    with pytest.raises(TwinError, match=r"template\.yaml"):
        read_template(path)


def test_the_bundle_is_the_two_packages_and_the_same_bytes_each_time() -> None:
    bundle = zip_bundle()
    assert bundle == zip_bundle()
    names = zipfile.ZipFile(io.BytesIO(bundle)).namelist()
    assert {name.split("/")[0] for name in names} == {"contract", "cloud_functions"}
    assert "contract/codec.py" in names
    assert not any("__pycache__" in name for name in names)
