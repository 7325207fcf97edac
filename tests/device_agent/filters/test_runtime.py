import pytest
from ai_edge_litert.interpreter import Interpreter

from device_agent.errors import ModelError
from device_agent.filters.runtime import interpreter_class


def test_the_first_runtime_that_is_installed_is_taken() -> None:
    assert interpreter_class(("no_such_runtime.interpreter", "ai_edge_litert.interpreter")) is Interpreter


def test_without_a_runtime_the_error_says_what_to_install() -> None:
    with pytest.raises(ModelError, match="no TFLite runtime") as caught:
        interpreter_class(("no_such_runtime.interpreter",))
    assert "pip install" in caught.value.remedy
