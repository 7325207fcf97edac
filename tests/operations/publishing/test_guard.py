import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from operations.publishing.errors import GuardError, StagingError
from operations.publishing.guard import judge
from operations.publishing.published import AwsPublished, MemoryPublished, Published
from operations.publishing.stage import stage
from tests.operations.publishing.checkout import sha256
from thresher.cli import main

NAME = "io.example.Demo"
ARCHIVE = f"{NAME}-amd64.zip"
OTHER = "ab" * 32

Versions = Mapping[tuple[str, str], Mapping[str, str]]


class Sts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012"}


class Greengrass:
    """Answers ``GetComponent`` as the API's model says."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions

    def get_component(self, *, arn: str, recipeOutputFormat: str) -> dict[str, object]:  # noqa: N803 - the API's name
        assert recipeOutputFormat == "JSON"
        *_, region, account, _, name, _, version = arn.split(":")
        assert (region, account) == ("eu-central-1", "123456789012")
        if (name, version) not in self._versions:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "GetComponent")
        artifacts = [
            {
                "Uri": f"s3://bucket/{name}/{version}/{file}",
                "Digest": base64.b64encode(bytes.fromhex(digest)).decode(),
                "Algorithm": "SHA-256",
            }
            for file, digest in self._versions[name, version].items()
        ]
        return {"recipe": json.dumps({"Manifests": [{"Artifacts": artifacts}]}).encode()}


def on_aws(versions: Versions) -> Published:
    return AwsPublished("eu-central-1", greengrass=Greengrass(versions), sts=Sts())


PORTS = pytest.mark.parametrize("port", [MemoryPublished, on_aws], ids=["memory", "aws"])
Port = Callable[[Versions], Published]


@pytest.fixture
def staged(order, index):
    stage(order(), fetch=index)
    return order()


@PORTS
def test_a_version_that_is_published_is_given_back_by_digest(port: Port):
    published = port({(NAME, "1.0.0"): {ARCHIVE: OTHER}})
    assert published.artifacts(NAME, "1.0.0") == {ARCHIVE: OTHER}
    assert published.artifacts(NAME, "1.0.1") is None
    assert published.artifacts("io.example.Other", "1.0.0") is None


@PORTS
def test_a_new_version_may_be_published(port: Port, staged):
    (verdict,) = judge(staged.root, staged.output, port({(NAME, "0.9.0"): {ARCHIVE: OTHER}}))
    assert (verdict.state, verdict.refused) == ("new", False)


@PORTS
def test_a_version_with_other_bytes_is_refused(port: Port, staged):
    (verdict,) = judge(staged.root, staged.output, port({(NAME, "1.0.0"): {ARCHIVE: OTHER}}))
    assert (verdict.state, verdict.refused) == ("taken", True)
    assert ARCHIVE in verdict.reason
    assert "raise ComponentVersion" in verdict.remedy


@PORTS
def test_the_same_bytes_again_are_no_harm(port: Port, staged):
    archive = staged.output / "gdk" / NAME / ARCHIVE
    (verdict,) = judge(staged.root, staged.output, port({(NAME, "1.0.0"): {ARCHIVE: sha256(archive)}}))
    assert (verdict.state, verdict.refused) == ("published", False)


def test_a_version_with_fewer_architectures_is_another(staged):
    archive = staged.output / "gdk" / NAME / ARCHIVE
    there = {(NAME, "1.0.0"): {ARCHIVE: sha256(archive), f"{NAME}-aarch64.zip": OTHER}}
    (verdict,) = judge(staged.root, staged.output, MemoryPublished(there))
    assert verdict.state == "taken"


def change_source(order) -> None:
    (order.root / "ours" / "__init__.py").write_text("NAME = 'theirs'\n")


def change_recipe(order) -> None:
    recipe = order.root / "recipes" / f"{NAME}.yaml"
    recipe.write_text(recipe.read_text().replace("# what", "# that"))


def change_archive(order) -> None:
    (order.output / "gdk" / NAME / ARCHIVE).write_bytes(b"changed")


def build_with_gdk_before(order) -> None:
    build_before(order.output / "gdk" / NAME)


def build_at_the_root_before(order) -> None:
    build_before(order.root)


def build_before(project: Path) -> None:
    built = project / "greengrass-build" / "artifacts" / NAME / "1.0.0" / ARCHIVE
    built.parent.mkdir(parents=True)
    built.write_bytes(b"of yesterday")


@pytest.mark.parametrize(
    "change", [change_source, change_recipe, change_archive, build_with_gdk_before, build_at_the_root_before]
)
def test_what_is_not_what_the_source_says_is_refused(change, staged):
    change(staged)
    (verdict,) = judge(staged.root, staged.output, MemoryPublished({}))
    assert (verdict.state, verdict.refused) == ("stale", True)


def test_a_fresh_stage_after_a_change_may_be_published(staged, index):
    change_source(staged)
    change_recipe(staged)
    stage(staged, fetch=index)
    (verdict,) = judge(staged.root, staged.output, None)
    assert verdict.state == "new"


def test_nothing_staged_is_an_error_not_a_blessing(order):
    with pytest.raises(StagingError, match=r"digests\.json"):
        judge(order().root, order().output, None)


def test_a_component_that_was_not_staged_is_named(staged):
    with pytest.raises(GuardError, match=r"io\.example\.Other was not staged"):
        judge(staged.root, staged.output, None, names=("io.example.Other",))


class Silent:
    def get_component(self, **_: str) -> dict[str, object]:
        raise EndpointConnectionError(endpoint_url="https://greengrass.invalid")


class Wordless:
    def get_component(self, **_: str) -> dict[str, object]:
        return {"recipe": b'{"Manifests": [{"Artifacts": [{"Uri": "s3://b/x.zip"}]}]}'}


@pytest.mark.parametrize(("client", "message"), [(Silent(), "Could not connect"), (Wordless(), "names no digests")])
def test_not_knowing_is_not_a_yes(client, message, staged):
    published = AwsPublished("eu-central-1", greengrass=client, sts=Sts())
    with pytest.raises(GuardError, match=message):
        judge(staged.root, staged.output, published)


def test_the_command_refuses_with_1(staged, capsys):
    arguments = ["components", "guard", "--offline", "--root", str(staged.root), "--output", str(staged.output)]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"{NAME} 1.0.0: new\n"
    change_source(staged)
    assert main(arguments) == 1
    assert "was staged before the source changed" in capsys.readouterr().err
