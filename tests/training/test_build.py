import hashlib
from pathlib import Path

import msgspec
import pytest
from ai_edge_litert import schema_py_generated as schema

from device_agent.filters.card import CARD_NAME, ModelCard
from device_agent.filters.signature import MAX_MODEL_BYTES, VARIANTS
from training import build, figures, level_graph
from training.level_graph import Build


def test_a_rebuild_gives_the_bytes_that_ship(tmp_path: Path) -> None:
    build.build_all(tmp_path)
    made = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    shipped = {name: (build.MODELS / name).read_bytes() for name in made}
    assert made == shipped
    assert {f"level-{n}{kind}.tflite" for n in VARIANTS for kind in ("", "-int8", "-by-64")} < set(made)


def test_the_card_states_the_bytes_of_every_shipped_model() -> None:
    card = msgspec.json.decode((build.MODELS / CARD_NAME).read_bytes(), type=ModelCard)
    for name, stated in card.files.items():
        data = (build.MODELS / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == stated.sha256
        assert len(data) == stated.size_bytes <= MAX_MODEL_BYTES


@pytest.mark.parametrize("channels", VARIANTS)
def test_every_operator_is_of_version_1_so_that_older_runtimes_load_it(channels: int) -> None:
    model = schema.ModelT.InitFromPackedBuf(bytearray(level_graph.build(Build(channels))))
    assert {code.version for code in model.operatorCodes} == {1}
    assert {code.deprecatedBuiltinCode == code.builtinCode for code in model.operatorCodes} == {True}


def test_the_weights_sum_to_one_and_the_newest_is_heaviest() -> None:
    column = level_graph.weights()[:, 0]
    assert column.sum() == pytest.approx(1.0, abs=1e-6)
    assert (column[1:] > column[:-1]).all()


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_int8_weights_sum_to_one_as_near_as_their_steps_allow(kind: level_graph.Kind) -> None:
    assert level_graph.weights(kind).sum() == pytest.approx(1.0, abs=0.01)


def test_an_evaluations_figures_reach_the_card(tmp_path: Path) -> None:
    found = figures.read(build.MODELS / figures.FIGURES_NAME)
    changed = msgspec.structs.replace(found, rows=123_456)
    flattered = msgspec.structs.replace(found.table[0], chosen="the same files")
    measured = tmp_path / "evaluation.json"
    measured.write_bytes(msgspec.json.encode(msgspec.structs.replace(changed, table=[*changed.table, flattered])))
    build.build_all(tmp_path / "models", measured)
    assert "123,456 rows" in (tmp_path / "models" / CARD_NAME).with_suffix(".md").read_text(encoding="utf-8")
    assert figures.read(tmp_path / "models" / figures.FIGURES_NAME) == changed
