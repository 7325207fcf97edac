from pathlib import Path

import numpy as np
import pytest

from device_agent.errors import ModelError
from device_agent.filters.card import CARD_NAME
from device_agent.filters.model import LevelModel, Normal, Scored
from device_agent.filters.runtime import FloatArray
from device_agent.filters.signature import WINDOW_SCANS

SHIPPED = Path(__file__).resolve().parents[3] / "models"


def _normal(channels: int, **changes: float) -> Normal:
    ones, zeros = np.ones(channels, dtype=np.float32), np.zeros(channels, dtype=np.float32)
    normal = Normal(mu=zeros, inv_sd=ones, inv_rise=ones, inv_fall=ones)
    return normal._replace(**{name: ones * np.float32(value) for name, value in changes.items()})


def _reference(values: FloatArray, valid: FloatArray, normal: Normal) -> Scored:
    """The formula of training/level_graph.py once more, in numpy."""
    weights = (1 - 2 / 21) ** np.arange(WINDOW_SCANS - 1, -1, -1).reshape(-1, 1)
    z = np.clip((values - normal.mu) * normal.inv_sd, -8, 8) * valid
    level = (weights * z).sum(axis=0) / np.maximum((weights * valid).sum(axis=0), 1e-9)
    rise, fall = np.maximum(level, 0), np.maximum(-level, 0)
    channel_score = rise * normal.inv_rise + fall * normal.inv_fall
    return Scored(level, channel_score, float(channel_score.max()))


@pytest.mark.parametrize("channels", [1, 3, 8, 9, 16, 30, 64])
def test_the_graph_computes_the_formula(channels: int) -> None:
    random = np.random.default_rng(channels)
    values = random.normal(3, 4, (WINDOW_SCANS, channels)).astype(np.float32)
    valid = (random.random((WINDOW_SCANS, channels)) > 0.3).astype(np.float32)
    normal = _normal(channels, mu=2.5, inv_sd=0.5, inv_rise=0.5, inv_fall=0.25)
    found = LevelModel.load(None, channels).score(values, valid, normal)
    expected = _reference(values, valid, normal)
    assert found.level == pytest.approx(expected.level, abs=1e-5)
    assert found.channel_score == pytest.approx(expected.channel_score, abs=1e-5)
    assert found.score == pytest.approx(expected.score, abs=1e-5)


@pytest.mark.parametrize("channels", [3, 16, 64])
def test_many_windows_at_once_have_the_same_levels(channels: int, tmp_path: Path) -> None:
    random = np.random.default_rng(channels)
    values = random.normal(3, 4, (WINDOW_SCANS + 130, channels)).astype(np.float32)
    valid = (random.random(values.shape) > 0.3).astype(np.float32)
    normal = _normal(channels, mu=2.5, inv_sd=0.5, inv_rise=0.5, inv_fall=0.25)
    capacity = min(n for n in (8, 16, 32, 64) if n >= channels)
    alone = tmp_path / f"level-{capacity}.tflite"
    alone.write_bytes((SHIPPED / alone.name).read_bytes())
    batched, one_by_one = LevelModel.load(None, channels), LevelModel.load(alone, channels)
    found = batched.levels(values, valid, normal)
    assert found.shape == (131, channels)
    assert found == pytest.approx(one_by_one.levels(values, valid, normal), abs=1e-5)


@pytest.mark.parametrize("channels", [8, 16, 32, 64])
def test_an_int8_file_gives_the_same_levels_to_a_few_steps(channels: int) -> None:
    random = np.random.default_rng(channels)
    exact = LevelModel.load(SHIPPED / f"level-{channels}.tflite", channels)
    coarse = LevelModel.load(SHIPPED / f"level-{channels}-int8.tflite", channels)
    for level in (-6.0, 0.0, 3.0):
        values = random.normal(level, 1, (WINDOW_SCANS, channels)).astype(np.float32)
        valid = (random.random(values.shape) > 0.1).astype(np.float32)
        normal = _normal(channels, inv_rise=1 / 3.8, inv_fall=1 / 3.8)
        one, other = (model.score(values, valid, normal) for model in (exact, coarse))
        assert other.level == pytest.approx(one.level, abs=3 * 8 / 127)
        assert other.score == pytest.approx(one.score, abs=0.05)


def test_a_spoilt_file_for_many_windows_is_refused(tmp_path: Path) -> None:
    for file in SHIPPED.glob("level*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    spoilt = bytearray((tmp_path / "level-8-by-64.tflite").read_bytes())
    spoilt[-400] ^= 1
    (tmp_path / "level-8-by-64.tflite").write_bytes(spoilt)
    with pytest.raises(ModelError, match=r"level-8-by-64\.tflite: its bytes are not those its card states"):
        LevelModel.load(tmp_path / "level-8.tflite", 3)


def test_a_gap_weighs_nothing_whatever_stands_in_its_place() -> None:
    model, normal = LevelModel.load(None, 1), _normal(1)
    values = np.full((WINDOW_SCANS, 1), 2, dtype=np.float32)
    valid = np.ones_like(values)
    valid[40:50] = 0
    values[40:50] = 1e6
    assert model.score(values, valid, normal).level == pytest.approx([2.0], abs=1e-5)


def test_a_single_wild_reading_does_not_alarm() -> None:
    values = np.zeros((WINDOW_SCANS, 1), dtype=np.float32)
    values[-1] = 1e9
    model = LevelModel.load(None, 1)
    assert model.score(values, np.ones_like(values), _normal(1, inv_rise=1 / 3.8)).score < 0.25


def test_channels_of_the_file_beyond_the_sensors_stay_silent() -> None:
    values = np.full((WINDOW_SCANS, 2), -5, dtype=np.float32)
    found = LevelModel.load(None, 2).score(values, np.ones_like(values), _normal(2))
    assert found.level.shape == found.channel_score.shape == (2,)
    assert found.score == pytest.approx(5.0)


def test_the_label_names_model_version_and_bytes() -> None:
    model = LevelModel.load(None, 9)
    assert model.label == f"level-16 v2 {model.sha256[:8]}"


@pytest.mark.parametrize("channels", [0, 65])
def test_a_number_of_channels_without_model_is_refused(channels: int) -> None:
    with pytest.raises(ModelError, match="1 to 64") as caught:
        LevelModel.load(None, channels)
    assert caught.value.remedy


def _damaged() -> dict[str, bytes]:
    good = (SHIPPED / "level-8.tflite").read_bytes()
    return {
        "empty": b"",
        "truncated": good[: len(good) // 2],
        "short by a byte": good[:-1],
        "text": b"not a model" * 100,
        "zeros": bytes(4096),
        "oversized": good + bytes(70_000),
        "of another size": (SHIPPED / "level-16.tflite").read_bytes(),
    }


@pytest.mark.parametrize("damage", sorted(_damaged()))
def test_a_file_that_is_no_level_model_is_refused_with_a_remedy(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.tflite"
    path.write_bytes(_damaged()[damage])
    with pytest.raises(ModelError, match=r"mine\.tflite") as caught:
        LevelModel.load(path, 8)
    assert caught.value.remedy


def test_a_missing_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file") as caught:
        LevelModel.load(tmp_path / "none.tflite", 8)
    assert caught.value.remedy


def test_a_flipped_bit_that_the_runtime_would_not_notice_is_refused_by_the_card(tmp_path: Path) -> None:
    data = bytearray((SHIPPED / "level-8.tflite").read_bytes())
    weight = data.find(np.float32(8.0).tobytes())
    assert weight > 0
    data[weight] ^= 1
    path = tmp_path / "level-8.tflite"
    path.write_bytes(data)
    LevelModel.load(path, 8)  # without a card nobody can know
    (tmp_path / CARD_NAME).write_bytes((SHIPPED / CARD_NAME).read_bytes())
    with pytest.raises(ModelError, match="card"):
        LevelModel.load(path, 8)


def test_a_damaged_card_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "level-8.tflite"
    path.write_bytes((SHIPPED / "level-8.tflite").read_bytes())
    (tmp_path / CARD_NAME).write_bytes(b"{")
    with pytest.raises(ModelError, match="card"):
        LevelModel.load(path, 8)
