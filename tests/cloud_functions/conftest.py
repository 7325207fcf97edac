from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud_functions.adapters.dynamodb import DynamoTable
from cloud_functions.adapters.memory import MemoryTable
from cloud_functions.core.ports import Table
from tests.cloud_functions.world import World
from twin.bundle import read_template
from twin.cloud import Deployment, LocalCloud

TEMPLATE = Path(__file__).parents[2] / "cloud_functions" / "template.yaml"
BARE = "bare-table"


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud.start()
        cloud.check()


@pytest.fixture(scope="session")
def dynamodb(deployment: Deployment) -> Any:
    """A client, and a table like the template's but without its stream: no function works on its rows."""
    client = deployment.clients.make("dynamodb")
    properties = read_template(TEMPLATE)["Resources"]["Table"]["Properties"]
    names = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
    client.create_table(TableName=BARE, **{name: properties[name] for name in names})
    return client


@pytest.fixture(params=["memory", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Table:
    """Every adapter of the port."""
    if request.param == "memory":
        return MemoryTable()
    return DynamoTable(request.getfixturevalue("dynamodb"), BARE)


@pytest.fixture
def world() -> World:
    return World()
