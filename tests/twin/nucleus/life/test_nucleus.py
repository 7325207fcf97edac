"""Deployments to a whole nucleus with real processes."""

import shutil
import threading
import zipfile

import pytest

from tests.twin.nucleus.recipes import needs, put
from twin.errors import TwinError, UsageError
from twin.nucleus.environment import Device
from twin.nucleus.nucleus import Nucleus, Options

A, B = "a.App", "a.Base"
STAY = "exec sleep 300"


def test_a_component_is_deployed_updated_and_removed(site):
    put(site.recipes, A, "1.0.0", lifecycle={"install": "echo one > installed", "run": STAY})
    put(site.recipes, A, "2.0.0", lifecycle={"install": "echo two > installed", "run": STAY})
    assert site.deploy(f"{A}=1.0.0").status == "SUCCEEDED"
    site.reach(A, "RUNNING")
    assert site.deploy(f"{A}=2.0.0").status == "SUCCEEDED"
    assert site.nucleus.roster[A].recipe.version == "2.0.0"
    assert (site.work(A) / "installed").read_text(encoding="utf-8") == "two\n"
    assert site.deploy(remove=[A]).status == "SUCCEEDED"
    assert site.nucleus.roster.names() == []


def test_a_nucleus_that_is_started_again_runs_what_was_deployed(site):
    install = {"install": "echo x >> installs", "run": STAY}
    put(site.recipes, A, lifecycle=install)
    site.deploy(f"{A}=1.0.0", configuration={A: {"merge": {"mode": "fast"}}})
    site.stop()
    shutil.rmtree(site.recipes)
    site.start()
    site.reach(A, "RUNNING")
    installs = len((site.work(A) / "installs").read_text(encoding="utf-8").split())
    assert installs == (2 if site.runtime == "classic" else 1)  # classic installs at every start
    assert site.nucleus._settings.read(A) == {"mode": "fast"}


def test_dependencies_are_started_first(site):
    put(site.recipes, A, lifecycle={"run": STAY}, ComponentDependencies={B: needs()})
    put(site.recipes, B, lifecycle={"run": STAY})
    assert site.deploy(f"{A}=1.0.0").status == "SUCCEEDED"
    running = [name for name, state in site.seen if state == "RUNNING"]
    assert running == [B, A] or site.runtime == "lite"  # `BindsTo` without `After` orders nothing
    assert site.deploy(remove=[A]).status == "SUCCEEDED"
    assert site.nucleus.roster.names() == []


def test_a_hard_dependent_restarts_with_its_dependency_under_classic(classic):
    put(classic.recipes, A, lifecycle={"run": STAY}, ComponentDependencies={B: needs()})
    put(classic.recipes, B, lifecycle={"run": STAY})
    classic.deploy(f"{A}=1.0.0")
    classic.nucleus.roster[B].restart()
    classic.until(lambda: classic.nucleus.roster[A].starts == 2)
    classic.reach(A, "RUNNING")


def test_a_hard_dependent_stops_when_its_dependency_finishes_under_lite(lite):
    put(lite.recipes, A, lifecycle={"run": STAY}, ComponentDependencies={B: needs()})
    put(lite.recipes, B, lifecycle={"run": "while [ ! -e end ]; do sleep 0.1; done"})
    lite.deploy(f"{A}=1.0.0")
    (lite.work(B) / "end").touch()
    lite.reach(A, "FINISHED")


def test_a_soft_dependent_goes_on(site):
    put(site.recipes, A, lifecycle={"run": STAY}, ComponentDependencies={B: needs(kind="SOFT")})
    put(site.recipes, B, lifecycle={"run": STAY})
    site.deploy(f"{A}=1.0.0")
    site.nucleus.roster[B].restart()
    site.until(lambda: site.nucleus.roster[B].starts == 2)
    assert site.nucleus.roster[A].starts == 1


def test_what_only_installs_finishes_under_classic_and_fails_the_deployment_under_lite(site):
    put(site.recipes, A, lifecycle={"run": STAY}, ComponentDependencies={B: needs()})
    put(site.recipes, B, lifecycle={"install": "true"})
    outcome = site.deploy(f"{A}=1.0.0")
    if site.runtime == "classic":
        assert outcome.status == "SUCCEEDED"
    else:
        assert outcome.status == "FAILED_ROLLBACK_NOT_REQUESTED"
        assert "waits for it in vain" in outcome.message
        assert "neither run nor startup" in site.log(A)  # and a HARD dependent cannot start at all


def test_a_version_that_breaks_goes_back_to_the_last_good_one_under_classic(site):
    put(site.recipes, A, "1.0.0", lifecycle={"run": STAY}, ComponentConfiguration={"DefaultConfiguration": {"k": 1}})
    put(site.recipes, A, "2.0.0", lifecycle={"install": "exit 9", "run": STAY})
    put(site.recipes, B, lifecycle={"run": STAY})
    site.deploy(f"{A}=1.0.0")
    outcome = site.deploy(f"{A}=2.0.0", f"{B}=1.0.0", configuration={A: {"merge": {"k": 2}}})
    assert "install failed with exit code 9" in outcome.message
    if site.runtime == "classic":
        assert outcome.status == "FAILED_ROLLBACK_COMPLETE"
        site.reach(A, "RUNNING")
        assert site.nucleus.roster.recipes()[A].version == "1.0.0"
        assert B not in site.nucleus.roster
        assert site.nucleus._settings.read(A) == {"k": 1}
    else:
        assert outcome.status == "FAILED_ROLLBACK_NOT_REQUESTED"
        assert site.nucleus._settings.read(A) == {"k": 2}
        assert site.nucleus.roster[A].recipe.version == "1.0.0"  # the old one still ran while the new one was installed


def test_a_failure_without_rollback_stays_where_it_is(classic):
    put(classic.recipes, A, "1.0.0", lifecycle={"run": STAY})
    put(classic.recipes, A, "2.0.0", lifecycle={"install": "exit 9", "run": STAY})
    classic.deploy(f"{A}=1.0.0")
    assert classic.deploy(f"{A}=2.0.0", rollback=False).status == "FAILED_ROLLBACK_NOT_REQUESTED"
    assert classic.nucleus.roster.states()[A] == "BROKEN"


def test_a_recipe_that_is_refused_changes_nothing(site):
    put(site.recipes, A, "1.0.0", lifecycle={"run": STAY})
    put(site.recipes, A, "2.0.0", lifecycle={"Run": STAY} if site.runtime == "lite" else {"run": {"Script": 1}})
    site.deploy(f"{A}=1.0.0")
    outcome = site.deploy(f"{A}=2.0.0")
    assert outcome.status == "FAILED_NO_STATE_CHANGE"
    assert outcome.remedy
    assert site.nucleus.roster.states() == {A: "RUNNING"}
    assert site.nucleus.roster[A].starts == 1


def test_a_change_of_configuration_restarts_a_component_under_lite_only(site):
    put(site.recipes, A, lifecycle={"run": STAY}, ComponentConfiguration={"DefaultConfiguration": {"k": 1}})
    site.deploy(f"{A}=1.0.0")
    first = site.nucleus.roster[A]
    assert site.deploy(configuration={A: {"merge": {"k": 2}}}).status == "SUCCEEDED"
    assert site.nucleus._settings.read(A) == {"k": 2}
    assert (site.nucleus.roster[A] is first) is (site.runtime == "classic")
    assert site.deploy(configuration={A: {"reset": ["/k"]}}).status == "SUCCEEDED"
    assert site.nucleus._settings.read(A) == {"k": 1}


def test_new_defaults_do_not_replace_what_stands(site):
    for version, value in (("1.0.0", 1), ("2.0.0", 2)):
        defaults = {"DefaultConfiguration": {"k": value, f"only{value}": value}}
        put(site.recipes, A, version, lifecycle={"run": STAY}, ComponentConfiguration=defaults)
        site.deploy(f"{A}={version}")
    assert site.nucleus._settings.read(A) == {"k": 1, "only1": 1, "only2": 2}


def test_configuration_of_what_is_not_deployed_is_refused(site):
    outcome = site.deploy(configuration={A: {"merge": {"k": 2}}})
    assert outcome.status == "FAILED_NO_STATE_CHANGE"


def test_a_script_sees_its_environment_its_variables_and_nothing_of_ours(site):
    put(
        site.recipes,
        A,
        lifecycle={
            "Setenv": {"MODE": "{configuration:/mode}"},
            "run": f"env > environment; echo {{configuration:/mode}} {{iot:thingName}} > said; {STAY}",
        },
        ComponentConfiguration={"DefaultConfiguration": {"mode": "fast"}},
    )
    site.deploy(f"{A}=1.0.0")
    site.until((site.work(A) / "said").exists)
    found = (site.work(A) / "environment").read_text(encoding="utf-8")
    assert f"AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT={site.nucleus.ipc.path}\n" in found
    assert "SVCUID=" in found
    assert "AWS_IOT_THING_NAME=oven-7\n" in found
    assert "MODE=fast\n" in found
    assert "PYTHONPATH" not in found
    assert f"PWD={site.work(A).resolve()}\n" in found
    assert (site.work(A) / "said").read_text(encoding="utf-8") == "fast oven-7\n"


def test_an_archive_is_unpacked_under_classic_only(site):
    folder = site.artifacts / A / "1.0.0"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "app.zip", "w") as archive:
        archive.writestr("hello.txt", "hello")
    put(
        site.recipes,
        A,
        lifecycle={"run": "cat {artifacts:decompressedPath}/app/hello.txt > found; ls {artifacts:path} >> found"},
        Artifacts=[{"Uri": "s3://any/place/app.zip", "Unarchive": "ZIP"}],
    )
    site.deploy(f"{A}=1.0.0")
    if site.runtime == "classic":
        site.reach(A, "FINISHED")
        assert (site.work(A) / "found").read_text(encoding="utf-8") == "helloapp.zip\n"
    else:
        site.until((site.work(A) / "found").exists)
        assert "No such file" in site.log(A)


def test_a_bootstrap_that_asks_for_it_restarts_every_component(classic):
    put(classic.recipes, B, lifecycle={"run": STAY})
    put(classic.recipes, A, lifecycle={"bootstrap": "exit 100", "run": STAY})
    classic.deploy(f"{B}=1.0.0")
    assert classic.deploy(f"{A}=1.0.0").status == "SUCCEEDED"
    assert classic.nucleus.roster[B].starts == 2


def test_two_nuclei_never_share_a_root(classic):
    options = Options(root=classic.root, runtime="classic", device=Device(thing="oven-8"))
    with pytest.raises(UsageError, match="another nucleus runs there"):
        Nucleus(options)


def test_a_component_that_cannot_be_started_again_does_not_keep_the_others_from_it(classic):
    put(classic.recipes, A, lifecycle={"install": "test ! -e fail", "run": STAY})
    put(classic.recipes, B, lifecycle={"run": STAY})
    classic.deploy(f"{A}=1.0.0", f"{B}=1.0.0")
    (classic.work(A) / "fail").touch()
    classic.stop()
    classic.start()
    classic.reach(B, "RUNNING")
    classic.reach(A, "BROKEN")


def test_a_nucleus_that_ends_in_a_deployment_begins_with_what_was_good_last(site):
    put(site.recipes, A, "1.0.0", lifecycle={"run": STAY}, ComponentConfiguration={"DefaultConfiguration": {"k": 1}})
    put(site.recipes, A, "2.0.0", lifecycle={"install": "echo > begun; sleep 300", "run": STAY})
    site.deploy(f"{A}=1.0.0")
    changed = {A: {"merge": {"k": 2}}}
    thread = threading.Thread(target=site.deploy, args=(f"{A}=2.0.0",), kwargs={"configuration": changed})
    thread.start()
    site.until((site.work(A) / "begun").exists)
    site.stop()
    thread.join(10.0)
    site.start()
    site.reach(A, "RUNNING")
    assert site.nucleus.roster[A].recipe.version == "1.0.0"
    assert site.nucleus._settings.read(A) == {"k": 1}


def test_a_deployment_that_waits_is_not_begun_after_the_end(classic):
    put(classic.recipes, A, lifecycle={"install": "echo > begun; sleep 300", "run": STAY})
    errors = []

    def deploy():
        try:
            classic.deploy(f"{A}=1.0.0")
        except TwinError as exc:
            errors.append(exc)

    threads = [threading.Thread(target=deploy) for _ in range(2)]
    for thread in threads:
        thread.start()
    classic.until((classic.work(A) / "begun").exists)
    classic.nucleus.close()
    for thread in threads:
        thread.join(10.0)
    assert len(errors) == 1
