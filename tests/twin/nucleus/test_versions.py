import pytest

from twin.errors import TwinError
from twin.nucleus.versions import best, satisfies


@pytest.mark.parametrize(
    ("version", "requirement", "fits"),
    [
        ("1.2.3", ">=1.0.0 <2.0.0", True),
        ("2.0.0", ">=1.0.0 <2.0.0", False),
        ("2.0.0", ">=1.0.0,<2.0.0", False),
        ("1.2.3", "1.2.3", True),
        ("1.2.4", "=1.2.3", False),
        ("1.9.9", "^1.2.0", True),
        ("2.0.0", "^1.2.0", False),
        ("0.3.0", "^0.2.0", False),
        ("0.0.4", "^0.0.3", False),
        ("1.2.9", "~1.2.3", True),
        ("1.3.0", "~1.2.3", False),
        ("1.0.0-rc.1", ">=1.0.0", False),
        ("1.0.0-rc.2", ">1.0.0-rc.1", True),
        ("3.0.0", "<1.0.0 || >2.0.0", True),
        ("5.0.0", "*", True),
        ("5.0.0", "", True),
    ],
)
def test_a_requirement_takes_what_npm_would_take(version, requirement, fits):
    assert satisfies(version, requirement) is fits


def test_the_highest_fitting_version_is_best():
    assert best(["1.9.0", "1.10.0", "2.0.0"], "^1.0.0") == "1.10.0"
    assert best(["2.0.0"], "^1.0.0") is None


@pytest.mark.parametrize("text", ["latest", ">=1.0", "1", "v"])
def test_nonsense_is_an_error_with_a_remedy(text):
    with pytest.raises(TwinError) as caught:
        satisfies("1.0.0", text)
    assert caught.value.remedy
