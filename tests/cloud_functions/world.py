"""A cloud in memory: what gateways send goes in by ingest, what the page asks comes out by the API."""

import json
from typing import Any

from cloud_functions.adapters.memory import MemoryReplies, MemoryTable
from cloud_functions.adapters.memory_jobs import MemoryJobs
from cloud_functions.core.api import Api, Question
from cloud_functions.core.ingest import Ingest, Settings
from cloud_functions.core.ports import Table
from cloud_functions.core.shape import Retention
from tests.cloud_functions.make import Clock, record


class World:
    def __init__(self, table: Table | None = None, replies: MemoryReplies | None = None) -> None:
        self.table = table or MemoryTable()
        self.replies = replies or MemoryReplies()
        self.clock = Clock()
        settings = Settings(interval_ms=0, retention=Retention(block_days=2, episode_days=3))
        self.ingest = Ingest(self.table, self.replies, self.clock, settings)
        self.jobs = MemoryJobs(self.clock)
        self.api = Api(self.table, self.clock, self.jobs)

    def send(self, *envelopes: Any) -> None:
        self.ingest.ingest([record(one) for one in envelopes])

    def ask(self, path: str, **parameters: str) -> tuple[int, Any]:
        reply = self.api.ask(Question(path, parameters))
        return reply.status, json.loads(reply.body)
