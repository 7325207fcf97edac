from collections.abc import Iterator

import pytest

from cloud_functions.adapters.dynamodb import DynamoTable
from cloud_functions.adapters.memory import MemoryTable
from cloud_functions.core.ports import Table
from twin.cloud import Deployment, LocalCloud


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with LocalCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud.start()
        cloud.check()


@pytest.fixture(params=["memory", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Table:
    """Every adapter of the port; of the local cloud the table the template makes, so that its index is there."""
    if request.param == "memory":
        return MemoryTable()
    deployment: Deployment = request.getfixturevalue("deployment")
    return DynamoTable(deployment.clients.make("dynamodb"), deployment.outputs.table_name)
