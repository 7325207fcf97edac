"""Dynamic groups, which the twin lacks: against a service as strict as its API model."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from operations.errors import OperationError
from operations.fleet.groups import group_of, index, make

QUERY = 'attributes.site:"hall-2" AND thingTypeName:"gw" AND NOT attributes.retired:*'
INDEXED = {"thingIndexingConfiguration": {"thingIndexingMode": "REGISTRY_AND_SHADOW", "namedShadowIndexingMode": "ON"}}


class FakeStack:
    """A stack whose service answers what the test says; the requests are checked against the API's own model."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "iot",
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",  # noqa: S106
        )
        self.service = Stubber(self.client)
        self.service.activate()
        self.outputs = type("Outputs", (), {"gateway_type_name": "gw"})()

    def make(self, _: str) -> Any:
        return self.client


@pytest.fixture
def stack() -> FakeStack:
    return FakeStack()


def created(stack: FakeStack, *, there: bool = False) -> None:
    asked = {"thingGroupName": "thresher-site-hall-2", "queryString": QUERY, "indexName": "AWS_Things"}
    stack.service.add_response("get_indexing_configuration", INDEXED)
    if there:
        stack.service.add_client_error(
            "create_dynamic_thing_group", "ResourceAlreadyExistsException", expected_params=asked
        )
        stack.service.add_response("update_dynamic_thing_group", {}, {**asked, "thingGroupProperties": {}})
    else:
        stack.service.add_response("create_dynamic_thing_group", {}, asked)


def test_a_site_is_a_group_of_its_gateways_that_are_in_service(stack: FakeStack):
    created(stack)
    assert make(stack, "site", "hall-2").made  # type: ignore[arg-type]
    stack.service.assert_no_pending_responses()


def test_a_group_that_is_there_gets_the_query(stack: FakeStack):
    created(stack, there=True)
    assert not make(stack, "site", "hall-2").made  # type: ignore[arg-type]
    stack.service.assert_no_pending_responses()


def test_a_version_is_what_gateways_report():
    group = group_of("version", "1.4.0", type_name="gw")
    assert group.name == "thresher-version-1_4_0"
    assert group.query.startswith('shadow.name.state.reported.software.version:"1.4.0" AND')


def test_without_an_index_it_is_said_how_to_get_one(stack: FakeStack):
    stack.service.add_response(
        "get_indexing_configuration", {"thingIndexingConfiguration": {"thingIndexingMode": "OFF"}}
    )
    with pytest.raises(OperationError) as refused:
        make(stack, "version", "1.4.0")  # type: ignore[arg-type]
    assert "groups index" in refused.value.remedy


def test_the_index_is_what_the_queries_ask_for(stack: FakeStack):
    stack.service.add_response("update_indexing_configuration", {})
    index(stack)  # type: ignore[arg-type]
    stack.service.assert_no_pending_responses()


@pytest.mark.parametrize("value", ['x" OR thingName:*', "", "a b", "x" * 65, "*"])
def test_a_value_cannot_add_to_the_query(value: str):
    with pytest.raises(OperationError):
        group_of("site", value, type_name="gw")
