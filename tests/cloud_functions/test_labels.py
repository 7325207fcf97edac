"""A person's word: in by the API, kept beside the episode, told to the gateway until it heeds it."""

import json
import threading
from typing import Any
from urllib.parse import quote

import pytest

from cloud_functions.adapters import http
from cloud_functions.adapters.dynamodb import DynamoTable
from cloud_functions.adapters.memory import MemoryReplies
from cloud_functions.core.commands import Command, Commands
from cloud_functions.core.labelling import Labelling
from cloud_functions.core.ports import Table
from tests.cloud_functions.conftest import BARE
from tests.cloud_functions.make import NOW_MS, envelope, episode, health, record
from tests.cloud_functions.unreliable import Fuse, UnreliableReplies, UnreliableTable
from tests.cloud_functions.world import World

RAISED = {"cpu_percent": 1.65}


class SpokenWorld(World):
    """It has stored one closed episode of gw-1, with a peak of 1.5, and takes what people say of it."""

    def __init__(self, table: Table | None = None, replies: MemoryReplies | None = None, **episode_has: Any) -> None:
        super().__init__(table, replies)
        self.commands = Commands(Labelling(self.table, self.replies, self.clock, days=400))
        self._seq = 0
        self.hear(episode("closed", duration_ms=9000, **({"peak_score": 1.5} | episode_has)))

    def hear(self, *events: Any) -> None:
        self.ingest.ingest([record(envelope(self._seq + 1, *events), broker_ms=NOW_MS + self._seq)])
        self._seq += len(events)

    def say(self, label: str, *, of: str = "", by: str = "anna", body: bytes | None = None) -> tuple[int, Any]:
        path = f"/api/gateways/gw-1/episodes/{quote(of or episode().episode_id, safe='')}/label"
        sent = json.dumps({"label": label}).encode() if body is None else body
        answer = self.commands.obey(Command(path, sent, by))
        return answer.status, json.loads(answer.body)

    def reset(self) -> tuple[int, Any]:
        answer = self.commands.obey(Command("/api/gateways/gw-1/feedback/reset", b"", "anna"))
        return answer.status, json.loads(answer.body)

    def detail(self) -> Any:
        return self.ask("/api/gateways/gw-1")[1]

    @property
    def factors(self) -> list[dict[str, float]]:
        """Of every message that the gateway was sent."""
        return [{one.channel: one.factor for one in sent.thresholds} for _, sent in self.replies.advised]


@pytest.fixture
def world() -> SpokenWorld:
    return SpokenWorld()


def test_a_label_is_kept_with_who_and_when_and_shown_beside_the_episode(world: SpokenWorld) -> None:
    expected = {"episode_id": episode().episode_id, "label": "false", "by": "anna", "labelled_ms": NOW_MS}
    assert world.say("false") == (200, expected)
    assert world.detail()["labels"] == [expected]


def test_a_false_alarm_raises_that_channels_threshold_once(world: SpokenWorld) -> None:
    world.say("false")
    world.clock.now_ms += 1000
    world.say("false", by="berta")
    assert world.factors == [RAISED]
    assert world.detail()["labels"][0]["by"] == "anna"


def test_a_change_of_mind_takes_it_back_under_a_higher_version(world: SpokenWorld) -> None:
    world.say("false")
    world.say("true")
    assert world.factors == [RAISED, {}]
    assert [sent.version for _, sent in world.replies.advised] == [1, 2]


def test_a_peak_under_a_raised_threshold_counts_in_calibrated_thresholds() -> None:
    world = SpokenWorld(peak_score=1.1, raised=1.5)
    world.say("false")
    assert world.factors == [{"cpu_percent": 1.815}]


@pytest.mark.parametrize("label", ["true", "false"])
def test_what_is_said_of_a_rules_episode_moves_no_threshold(label: str) -> None:
    world = SpokenWorld(rule="hot", severity="major", peak_score=1.0)
    assert world.say(label)[0] == 200
    assert world.factors == []
    assert world.detail()["labels"][0]["label"] == label


def test_a_reset_takes_every_threshold_back_and_keeps_the_labels(world: SpokenWorld) -> None:
    world.say("false")
    status, view = world.reset()
    assert (status, view["version"], view["thresholds"]) == (200, 2, [])
    world.clock.now_ms += 1
    other = episode("closed", duration_ms=9000, peak_score=1.2, onset=NOW_MS - 5000, top_channel="load_1m")
    world.hear(other)
    world.say("false", of=other.episode_id)
    assert world.factors == [RAISED, {}, {"load_1m": 1.32}]
    assert len(world.detail()["labels"]) == 2


def test_a_gateway_that_was_away_is_told_again_until_its_health_names_the_version(world: SpokenWorld) -> None:
    world.say("false")
    world.replies.advised.clear()
    world.hear(health(feedback_version=0))
    world.hear(health(feedback_version=0))
    assert world.factors == [RAISED] * 2
    world.hear(health(feedback_version=1))
    assert len(world.replies.advised) == 2
    assert world.detail()["feedback"]["heard_version"] == 1


def test_a_gateway_that_knows_no_feedback_is_told_nothing(world: SpokenWorld) -> None:
    world.say("false")
    world.replies.advised.clear()
    world.hear(health())
    assert not world.replies.advised


@pytest.mark.parametrize(
    ("fails_at", "after"),
    [(1, False), (2, False), (2, True), (3, False), (4, False), (4, True), (5, False), (5, True)],
    ids=["episode", "label", "labelled", "labels", "version", "versioned", "word", "told"],
)
def test_whatever_fails_half_way_the_next_word_and_the_next_health_make_it_good(fails_at: int, *, after: bool) -> None:
    fuse = Fuse()
    world = SpokenWorld(UnreliableTable(fuse), UnreliableReplies(fuse))
    fuse.rearm(fails_at, after=after)
    assert world.say("false")[0] == 503
    fuse.rearm(0)
    assert world.say("false")[0] == 200
    world.hear(health(feedback_version=0))
    assert world.factors[-1] == RAISED
    assert len(world.detail()["labels"]) == 1


def test_labels_said_at_the_same_time_all_count(dynamodb: Any) -> None:
    world = SpokenWorld(DynamoTable(dynamodb, BARE))
    channels = [f"channel_{n}" for n in range(5)]
    episodes = [
        episode("closed", duration_ms=9000, peak_score=1.5, onset=NOW_MS - 7000 - n, top_channel=channel)
        for n, channel in enumerate(channels)
    ]
    world.hear(*episodes)
    threads = [threading.Thread(target=world.say, args=("false",), kwargs={"of": one.episode_id}) for one in episodes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    latest = max((sent for _, sent in world.replies.advised), key=lambda sent: sent.version)
    assert [one.channel for one in latest.thresholds] == channels


@pytest.mark.parametrize("body", [b"", b"{}", b'{"label": "maybe"}', b'{"label": "true", "by": "me"}', b"\xff"])
def test_a_body_that_says_nothing_is_refused_with_what_to_send(world: SpokenWorld, body: bytes) -> None:
    status, view = world.say("", body=body)
    assert status == 400
    assert view["remedy"].startswith("send")


def test_an_episode_nobody_has_heard_of_cannot_be_labelled(world: SpokenWorld) -> None:
    assert world.say("false", of="gw-1.host.boot.1")[0] == 404
    assert world.reset()[0] == 404


@pytest.mark.parametrize("path", ["/api/fleet", "/api/gateways/gw-1", "/api/gateways/gw-1/episodes/e", "/"])
def test_what_is_no_command_is_404(world: SpokenWorld, path: str) -> None:
    assert world.commands.obey(Command(path, b"{}", "anna")).status == 404


@pytest.mark.parametrize(
    ("authorizer", "who"),
    [
        ({"iam": {"userArn": "arn:aws:iam::1:user/anna"}}, "arn:aws:iam::1:user/anna"),
        ({"jwt": {"claims": {"sub": "7", "email": "anna@example.org"}}}, "anna@example.org"),
        (None, http.NOBODY),
    ],
)
def test_who_says_so_is_what_the_api_knows(authorizer: Any, who: str) -> None:
    assert http.sender({"requestContext": {"authorizer": authorizer}}) == who
