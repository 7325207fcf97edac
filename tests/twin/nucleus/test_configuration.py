"""Configurations and their deployments, by value."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import TwinError
from twin.nucleus.configuration import ConfigurationStore
from twin.nucleus.errors import NucleusIpcError
from twin.nucleus.profile import CLASSIC, LITE
from twin.nucleus.trees import differences, filled, leaves, merged, plain, pointer, without

DEFAULTS = {"rate_hz": 10, "limits": {"high": 80}}
names = st.sampled_from(["a", "b", "c"])
values = st.recursive(st.integers(0, 3), lambda child: st.dictionaries(names, child, max_size=3), max_leaves=6)
documents = st.dictionaries(names, values, max_size=3)


@pytest.fixture
def store(tmp_path: Path) -> ConfigurationStore:
    return ConfigurationStore(tmp_path / "c.json", CLASSIC)


def deploy(store, *, ms, defaults=DEFAULTS, **change):
    return store.install(store.resolve("c", defaults=defaults, ms=ms, **change))


def test_the_first_deployment_takes_the_recipes_defaults_and_merges(store) -> None:
    deploy(store, ms=5, merge={"limits": {"low": 1}})

    assert store.read("c") == {"rate_hz": 10, "limits": {"high": 80, "low": 1}}


def test_new_defaults_never_replace_what_a_device_has(store) -> None:
    deploy(store, ms=5)
    deploy(store, ms=6, defaults={"rate_hz": 50, "limits": {"high": 90}, "new": True})

    assert store.read("c") == {"rate_hz": 10, "limits": {"high": 80}, "new": True}


def test_a_reset_brings_the_new_default(store) -> None:
    deploy(store, ms=5, merge={"rate_hz": 20})
    deploy(store, ms=6, defaults={"rate_hz": 50, "limits": {"high": 90}}, reset=["/rate_hz"])

    assert store.read("c") == {"rate_hz": 50, "limits": {"high": 80}}


def test_a_reset_of_everything_leaves_the_defaults(store) -> None:
    deploy(store, ms=5, merge={"rate_hz": 20, "own": 1})
    deploy(store, ms=6, reset=[""])

    assert store.read("c") == DEFAULTS


def test_a_reset_comes_before_the_merge(store) -> None:
    deploy(store, ms=5, merge={"limits": {"low": 1}})
    deploy(store, ms=6, reset=["/limits"], merge={"limits": {"middle": 3}})

    assert store.read("c", ("limits",)) == {"high": 80, "middle": 3}


def test_an_old_deployment_does_not_replace_what_is_newer(store) -> None:
    deploy(store, ms=10, merge={"rate_hz": 20})
    deploy(store, ms=5, merge={"rate_hz": 30})

    assert store.read("c", ("rate_hz",)) == 20


def test_resolving_changes_nothing(store) -> None:
    deploy(store, ms=5)
    resolved = store.resolve("c", merge={"rate_hz": 99}, ms=6)

    assert resolved.value["rate_hz"] == 99
    assert store.read("c", ("rate_hz",)) == 10


def test_installing_says_where_something_changed(store) -> None:
    deploy(store, ms=5)

    assert sorted(deploy(store, ms=6, merge={"rate_hz": 11, "limits": {"high": 80}, "new": [1]})) == [
        ("new",),
        ("rate_hz",),
    ]


def test_it_is_kept_with_its_times(tmp_path: Path, store) -> None:
    deploy(store, ms=10, merge={"rate_hz": 20, "list": [1, {"a": 2}], "empty": {}})
    again = ConfigurationStore(tmp_path / "c.json", CLASSIC)

    assert again.snapshot() == store.snapshot()
    deploy(again, ms=5, merge={"rate_hz": 30})
    assert again.read("c", ("rate_hz",)) == 20


def test_a_rollback_brings_everything_back(store) -> None:
    deploy(store, ms=5)
    before = store.snapshot()
    deploy(store, ms=6, merge={"rate_hz": 1})
    store.install(store.resolve("other", merge={"x": 1}, ms=6))
    changed = store.restore(before)

    assert store.snapshot() == before
    assert changed == {"c": [("rate_hz",)], "other": [("x",)]}


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"c": 1}')

    with pytest.raises(TwinError, match=r"c\.json"):
        ConfigurationStore(tmp_path / "c.json", CLASSIC)


def test_a_pointer_that_is_none_is_refused(store) -> None:
    with pytest.raises(TwinError, match="rate_hz"):
        store.resolve("c", reset=["rate_hz"], ms=1)
    assert pointer("/a~1b/~0") == ("a/b", "~")


def test_lite_deploys_no_value_that_it_could_not_hold() -> None:
    store = ConfigurationStore(None, LITE)

    with pytest.raises(TwinError, match="/sensors"):
        store.resolve("c", defaults={"sensors": [{"name": "x" * 1100}]}, ms=1)
    store.resolve("c", defaults={"sensors": {"a": "x" * 900, "b": "x" * 900}}, ms=1)


def test_lite_deploys_no_mapping_over_a_value_unless_it_is_reset() -> None:
    store = ConfigurationStore(None, LITE)
    store.install(store.resolve("c", defaults={"a": 1, "b": {"c": 1}}, ms=1))

    for merge in ({"a": {"x": 1}}, {"b": 2}):
        with pytest.raises(TwinError, match="of the other kind"):
            store.resolve("c", merge=merge, ms=5)
    assert store.resolve("c", reset=["/a"], merge={"a": {"x": 1}}, ms=5).value["a"] == {"x": 1}


def test_classic_deploys_a_mapping_over_a_value(store) -> None:
    deploy(store, ms=5, merge={"rate_hz": {"x": 1}})

    assert store.read("c", ("rate_hz",)) == {"x": 1}


def test_on_classic_something_newer_refuses_an_update_but_its_neighbours_are_taken(store) -> None:
    deploy(store, ms=10, merge={"limits": {"high": 1, "low": 1}})
    with pytest.raises(NucleusIpcError, match="FailedUpdateConditionCheckError"):
        store.update("c", ("limits",), {"high": 2, "middle": 2}, ms=5, now_ms=20)

    assert store.read("c", ("limits",)) == {"high": 1, "low": 1, "middle": 2}


def test_what_is_new_on_classic_is_as_old_as_now(store) -> None:
    deploy(store, ms=5)
    store.update("c", ("fresh",), {"a": 1}, ms=2, now_ms=100)

    with pytest.raises(NucleusIpcError):
        store.update("c", ("fresh",), {"a": 2}, ms=50, now_ms=200)


@given(old=documents, new=documents)
def test_what_is_merged_later_stands(old, new) -> None:
    tree = merged(merged({}, old, 1), new, 2)

    for path, leaf in leaves(merged({}, new, 2)):
        assert dict(leaves(tree))[path] == leaf


@given(old=documents, defaults=documents)
def test_defaults_keep_every_value_that_stands(old, defaults) -> None:
    tree = merged({}, old, 5)
    after = dict(leaves(filled(tree, defaults)))

    assert all(after[path] == leaf for path, leaf in leaves(tree))


@given(old=documents, new=documents)
def test_differences_are_what_changed_and_nothing_else(old, new) -> None:
    before, after = merged({}, old, 1), merged({}, new, 1)
    changed = set(differences(before, after))
    known, now = dict(leaves(before)), dict(leaves(after))

    assert changed == {path for path in known.keys() | now.keys() if known.get(path) != now.get(path)}


@given(document=documents)
def test_without_everything_nothing_is_left(document) -> None:
    tree = merged({}, document, 1)

    assert without(tree, ()) == {}
    assert plain(tree) == document
    for key in document:
        assert key not in without(tree, (key,))
