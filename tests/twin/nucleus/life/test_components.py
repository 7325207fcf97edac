"""A foreign component with the unmodified SDK, run by the nucleus: what it is asked and told in a deployment."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.twin.nucleus.recipes import put
from twin.nucleus.tokens import Tokens

A = "a.Foreign"
SOURCE = Path(__file__).with_name("sdk_component.py")


@pytest.fixture
def foreign(site):
    folder = site.artifacts / A / "1.0.0"
    folder.mkdir(parents=True)
    shutil.copy(SOURCE, folder / "main.py")
    script = f"exec {sys.executable} -u {{artifacts:path}}/main.py {site.runtime} {A}"
    for version in ("1.0.0", "2.0.0"):
        put(
            site.recipes,
            A,
            version,
            lifecycle={"run": script.replace("{artifacts:path}", str(folder))},
            ComponentConfiguration={"DefaultConfiguration": {"defer": 0}},
        )
    site.deploy(f"{A}=1.0.0")
    site.until(lambda: "ready" in site.log(A))
    return site


def test_a_component_may_put_a_deployment_off_and_hears_when_it_is_done_under_classic(foreign):
    foreign.deploy(configuration={A: {"merge": {"defer": 2}}})
    foreign.until(lambda: foreign.runtime == "lite" or "post" in foreign.log(A))
    put(foreign.recipes, "a.Other", lifecycle={"run": "exec sleep 300"})
    assert foreign.deploy("a.Other=1.0.0").status == "SUCCEEDED"
    if foreign.runtime == "lite":
        assert "pre" not in foreign.log(A)
        return
    foreign.until(lambda: foreign.log(A).count("post") == 2)
    said = [line.rsplit(": ", 1)[-1] for line in foreign.log(A).splitlines()]
    assert [line for line in said if line.startswith(("pre", "post"))] == [
        "pre 0",
        "post",
        "pre 100",
        "pre 0",
        "post",
    ]


def test_a_deployment_that_a_component_refuses_changes_nothing_under_classic(foreign):
    outcome = foreign.deploy(configuration={A: {"merge": {"defer": -1}}})
    if foreign.runtime == "lite":
        assert outcome.status == "SUCCEEDED"  # it asks nobody
        return
    assert outcome.status == "FAILED_NO_STATE_CHANGE"
    assert "defer is -1" in outcome.message
    assert foreign.nucleus._settings.read(A) == {"defer": 0}


def test_a_change_of_configuration_is_told_by_classic_and_restarts_under_lite(foreign):
    foreign.deploy(configuration={A: {"merge": {"defer": 7}}})
    if foreign.runtime == "classic":
        foreign.until(lambda: "changed ['defer'] {'defer': 7" in foreign.log(A))
        assert foreign.nucleus.roster[A].starts == 1
    else:
        foreign.until(lambda: "configuration {'defer': 7" in foreign.log(A))


def test_a_component_is_let_in_again_after_the_ipc_server_was_restarted(foreign):
    before = foreign.nucleus.ipc.refused
    foreign.nucleus.restart_ipc()
    foreign.nucleus.roster[A].restart()
    foreign.until(lambda: foreign.log(A).count("ready") == 2)
    assert foreign.nucleus.ipc.refused == before


def test_lite_forgets_its_tokens_with_its_ipc_server_and_classic_with_the_nucleus():
    for runtime, kept in (("classic", True), ("lite", False)):
        tokens = Tokens(runtime)
        token = tokens.load(A)()
        assert tokens.component_of(token) == A
        tokens.server_restarted()
        assert (tokens.component_of(token) == A) is kept
        assert Tokens(runtime).component_of(token) is None


def test_classic_makes_a_token_for_each_load_and_lite_for_each_component():
    for runtime, same in (("classic", False), ("lite", True)):
        tokens = Tokens(runtime)
        assert (tokens.load(A)() == tokens.load(A)()) is same
        assert tokens.load(A)() != tokens.load("a.Other")()
