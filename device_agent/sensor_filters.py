"""A sensor's filters, made as the document says."""

from collections.abc import Sequence

import msgspec

from device_agent.condense.episodes import EpisodeTracker, Source, Timing
from device_agent.condense.notes import MemoryNotes
from device_agent.config import FilterConfig, ShadowConfig
from device_agent.drift.store import MemoryReferences
from device_agent.drift.watch import DriftWatch
from device_agent.filters.deseasoned import DeseasonedReadings
from device_agent.filters.gate import LevelGate
from device_agent.filters.model import LevelModel
from device_agent.filters.season_store import SeasonStore
from device_agent.filters.store import CalibrationStore, MemoryCalibrations
from device_agent.sensor_memory import Memory, ShadowMemory
from device_agent.sensors.port import Channel
from device_agent.shadow import Filter


def drift_watch_of(
    sensor: str, channels: Sequence[Channel], rate_hz: float, *, patience: int, memory: Memory
) -> DriftWatch | None:
    """The watch for drift; ``None`` where it is switched off."""
    if patience == 0:
        return None
    store = memory.reference or MemoryReferences()
    return DriftWatch(sensor, channels, store, rate_hz=rate_hz, patience=patience)


def season_of(
    config: FilterConfig, names: Sequence[str], store: SeasonStore | None, rate_hz: float
) -> DeseasonedReadings | None:
    """What takes the usual course of a day off; ``None`` where there is no place to keep it, or it is not wanted."""
    if store is None or not config.seasonality:
        return None
    return DeseasonedReadings(tuple(names), store, rate_hz=rate_hz)


def gate_of(
    channels: Sequence[Channel],
    rate_hz: float,
    model: LevelModel,
    store: CalibrationStore,
    *,
    config: FilterConfig,
    season: DeseasonedReadings | None,
) -> LevelGate:
    """The filter's gate."""
    return LevelGate(
        channels,
        model,
        store,
        rate_hz=rate_hz,
        calibration_scans=config.calibration_scans,
        hop_scans=config.hop_scans,
        false_per_week=config.expected_false_per_week,
        season=season,
    )


def candidate_of(
    source: Source,
    channels: Sequence[Channel],
    rate_hz: float,
    model: LevelModel,
    *,
    config: FilterConfig,
    memory: ShadowMemory | None,
) -> Filter:
    """The candidate's own filter: the active one's settings, but for what it is to try."""
    wanted, kept = config.shadow or ShadowConfig(), memory or ShadowMemory(MemoryCalibrations())
    if wanted.expected_false_per_week is not None:
        config = msgspec.structs.replace(config, expected_false_per_week=wanted.expected_false_per_week)
    season = season_of(config, source.channels, kept.season, rate_hz)
    gate = gate_of(channels, rate_hz, model, kept.calibration, config=config, season=season)
    episodes = EpisodeTracker(source._replace(model=model.label), MemoryNotes(), Timing(rate_hz, config.hop_scans))
    return Filter(gate, episodes, model.label)
