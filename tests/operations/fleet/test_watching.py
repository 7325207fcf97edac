"""Looking on ends, whatever becomes of the workflow."""

import pytest

from operations.errors import OperationError
from operations.fleet.watching import watch


class EmptyStack:
    """Its table has no row, as when the workflow died before its first."""

    outputs = type("Outputs", (), {"table_name": "t"})()

    @property
    def dynamodb(self):
        return self

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        return [{"Items": []}]


def test_a_rollout_that_does_not_begin_is_said_in_bounded_time() -> None:
    with pytest.raises(OperationError, match=r"'r-1' did not begin within 0\.1 s") as found:
        list(watch(EmptyStack(), "r-1", every_s=0.02, first_within_s=0.1))
    assert "workflow" in found.value.remedy
