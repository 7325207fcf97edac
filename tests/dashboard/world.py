"""A fleet as the cloud would hold it; a test changes it while the page shows it.

What the query API answers with is made here from plain state, in the shapes of its contract, so that the page
cannot tell the difference. Not here: HTTP and the browser (``conftest``).
"""

import math
import random
from typing import Any
from urllib.parse import unquote

from contract.traces import pack

NOW = 1_795_420_800_000
STEP_MS = 5000


class FleetWorld:
    """What the cloud holds. Change it, and the page shows it with its next refresh."""

    def __init__(self) -> None:
        self.gateways: dict[str, dict[str, Any]] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.contexts: dict[str, list[dict[str, Any]]] = {}
        self.alerts: list[dict[str, Any]] = []
        self.quarantined = 0
        self.rollouts: list[dict[str, Any]] = []
        self.waves: dict[str, list[dict[str, Any]]] = {}
        self.failure: tuple[int, bytes] | None = None
        self.asked: list[str] = []
        self.told: list[tuple[str, Any]] = []

    def add_gateway(self, gateway_id: str, **changes: object) -> dict[str, Any]:
        sensors = {"host": {"state": "armed", "rate_hz": 10.0, "scans": 1200, "samples": 9600, "windows": 290}}
        lanes = {
            "events": {"stored": 12, "missing": 0},
            "summaries": {"stored": 1180},
            "context": {"stored": 4},
        }
        row = {
            "gateway_id": gateway_id,
            "last_seen_ms": NOW - 3000,
            "online": True,
            "status": "ok",
            "version": "0.1.0",
        }
        self.gateways[gateway_id] = row | {"open_alerts": 0, "sensors": sensors, "lanes": lanes} | changes
        health = {
            "kind": "health",
            "wall_ms": NOW,
            "monotonic_ms": 1,
            "version": "0.1.0",
            "uptime_ms": 754_000,
        }
        health |= {"interval_ms": 10_000, "sensors": sensors, "spool_pending": {"events": 0, "summaries": 3}}
        self.details[gateway_id] = {"health": health, "summaries": summaries(), "episodes": []}
        return self.gateways[gateway_id]

    def add_episode(self, gateway_id: str, *, ago_ms: int = 200_000, **changes: object) -> dict[str, Any]:
        onset = NOW - ago_ms
        episode = {
            "kind": "episode", "wall_ms": onset + 42_000, "monotonic_ms": 900_000, "sensor": "host",
            "episode_id": f"{gateway_id}.host.4f1c22aa.{ago_ms}", "phase": "closed", "onset_wall_ms": onset,
            "duration_ms": 42_000, "score": 0.4, "peak_score": 7.31, "peak_wall_ms": onset + 15_000,
            "top_channel": "cpu_percent",
            "contributions": {"cpu_percent": 0.71, "load_1m": 0.21, "temperature": 0.08},
            "reason": "cpu_percent rose from its usual 12 % to 98 %", "model": "level 1 4be1",
        } | changes  # fmt: skip
        self.details[gateway_id]["episodes"].append(episode)
        self.contexts[episode["episode_id"]] = context(episode)
        return episode

    def add_alert(self, episode: dict[str, Any], **changes: object) -> dict[str, Any]:
        gateway_id = episode["episode_id"].split(".")[0]
        alert = {
            "alert_id": f"a-{episode['episode_id']}",
            "gateway_id": gateway_id,
            "state": "open",
            "closed_ms": None,
        }
        alert |= {"opened_ms": episode["onset_wall_ms"], "notified_ms": NOW, "severity": "critical"}
        copied = ("sensor", "episode_id", "top_channel", "reason", "peak_score")
        self.alerts.append(alert | {name: episode[name] for name in copied} | changes)
        return self.alerts[-1]

    def _of_rollouts(self, rest: list[str]) -> tuple[int, dict[str, Any]]:
        if not rest:
            return 200, {"rollouts": self.rollouts}
        (rollout,) = [one for one in self.rollouts if one["rollout_id"] == rest[0]]
        return 200, {"rollout": rollout, "waves": self.waves[rest[0]]}

    def heed(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        match [unquote(part) for part in path.split("/")[2:]]:
            case ["gateways", gateway_id, "episodes", episode_id, "label"]:
                said = {"episode_id": episode_id, "by": "anna", "labelled_ms": NOW} | body
                others = [one for one in self.details[gateway_id].get("labels", []) if one["episode_id"] != episode_id]
                self.details[gateway_id]["labels"] = [*others, said]
                return said
            case ["gateways", gateway_id, "feedback", "reset"]:
                feedback = {"version": 2, "heard_version": None, "thresholds": []}
                self.details[gateway_id]["feedback"] = feedback
                return feedback
        return {}

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        match [unquote(part) for part in path.split("/")[2:]]:
            case ["fleet"]:
                rows = list(self.gateways.values())
                return 200, {"generated_ms": NOW, "quarantined": self.quarantined, "gateways": rows}
            case ["alerts"]:
                every = query["state"] == ["all"]
                return 200, {"alerts": [a for a in self.alerts if every or a["state"] == "open"]}
            case ["rollouts", *rest]:
                return self._of_rollouts(rest)
            case ["gateways", gateway_id] if gateway_id in self.details:
                from_ms = NOW - int(query["minutes"][0]) * 60_000
                return 200, {"gateway_id": gateway_id, "from_ms": from_ms, "to_ms": NOW} | self.details[gateway_id]
            case ["gateways", _, "episodes", episode_id, "context"]:
                return 200, {"episode_id": episode_id, "parts": self.contexts.get(episode_id, [])}
        return 404, {"error": "not found"}


def channel(unit: str, level: float, spread: float, rng: random.Random) -> dict[str, Any]:
    mean = level + rng.gauss(0, spread / 3)
    low, high = max(0.0, mean - abs(rng.gauss(spread, spread / 3))), mean + abs(rng.gauss(spread, spread / 3))
    return {
        "unit": unit,
        "count": 50,
        "mean": round(mean, 3),
        "min": round(low, 3),
        "max": round(high, 3),
        "std": spread,
    }


def summaries(steps: int = 150) -> list[dict[str, Any]]:
    """Twelve and a half minutes of a machine: a burn 200 s before now, half a minute of silence 500 s before."""
    rng = random.Random(7)  # noqa: S311 - test data, the same each time
    made = []
    for i in range(steps):
        ago = (steps - 1 - i) * STEP_MS
        if 480_000 < ago < 510_000:
            continue
        burn = 155_000 < ago <= 200_000
        wave = math.sin(i / 9)
        channels = {
            "cpu_percent": channel("%", 97 if burn else 14 + 3 * wave, 1.0 if burn else 6, rng),
            "load_1m": channel("1", 1.9 if burn else 0.5 + 0.1 * wave, 0.1, rng),
            "memory_percent": channel("%", 41.3 + i / 60, 0.2, rng),
            "disk_read_bytes": channel("B/s", 4.1e5, 3e5, rng),
            "disk_write_bytes": channel("B/s", 1.9e6 + 4e5 * wave, 8e5, rng),
            "net_receive_bytes": channel("B/s", 2.4e4, 9e3, rng),
            "net_send_bytes": channel("B/s", 1.1e4, 5e3, rng),
            "temperature": channel("celsius", 63 if burn else 48 + wave, 0.6, rng),
        }
        score = 6 + rng.random() if burn else 0.3 + 0.2 * rng.random()
        made.append({
            "kind": "summary", "wall_ms": NOW - ago, "monotonic_ms": i * STEP_MS, "sensor": "host",
            "start_wall_ms": NOW - ago - STEP_MS, "scans": 50, "state": "calibrating" if i < 8 else "armed",
            "windows": 12, "max_score": None if i < 8 else round(score, 3), "channels": channels,
        })  # fmt: skip
    return made


def context(episode: dict[str, Any]) -> list[dict[str, Any]]:
    """Two parts of 96 raw scans, with a gap of five."""
    rng = random.Random(11)  # noqa: S311 - test data, the same each time
    level, steps = 120, list[int | None]()
    for i in range(96):
        level += rng.randint(-20, 20) + (300 if 64 <= i < 67 else 0)
        steps.append(None if 30 <= i < 35 else level)
    times = {"unit": "ms", "resolution": 1.0, "slope": 100, "packed": pack([i * 100 for i in range(96)], slope=100)}
    cpu = {"cpu_percent": {"unit": "%", "resolution": 0.1, "packed": pack(steps)}}
    load = {"load_1m": {"unit": "1", "resolution": 0.01, "packed": pack([52 + 2 * i for i in range(96)])}}
    common = {
        "kind": "context",
        "monotonic_ms": 1,
        "episode_id": episode["episode_id"],
        "sensor": "host",
        "parts": 2,
    }
    common |= {"wall_ms": episode["onset_wall_ms"] - 6400, "scans": 96, "times": times}
    return [common | {"traces": cpu}, common | {"traces": load, "part": 2}]
