"""The Faust app with its agents: what folds the log into one generation."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from projections.as_of.cutoff import Cutoff
from schemas.topics import CHANNEL_EVENTS, DEAD_LETTERS, IDENTITY_EVIDENCE
from services.runtime.contact_ids import id_of
from services.worker.adapters import kafka, postgres
from services.worker.adapters.topics import FollowedTopics
from services.worker.agent_spec import AgentFactory, AgentSpec, BackgroundService, WorkerResources
from services.worker.agents.app import FaustPartitionReader, add_agent, create_app, records_at_once
from services.worker.core.dead_letter_limit import DeadLetterLimit
from services.worker.core.lag import TopicLag
from services.worker.core.waiting_chunks import WaitingChunks
from services.worker.handlers.chunk_handler import ChunkHandler
from services.worker.handlers.partition_executor import JOIN_WITHIN, PartitionExecutor
from services.worker.handlers.partition_runner import PartitionRunner, WorkerProgress
from services.worker.handlers.turns import PacedTurns
from services.worker.servers import WorkerServers

_FOLDED: Final = (CHANNEL_EVENTS, IDENTITY_EVIDENCE)


class Folding:
    """The app, its agents' executors and background services, and how far they are. Call `read_hold` before it runs."""

    def __init__(self, servers: WorkerServers, factories: Sequence[AgentFactory]) -> None:
        settings, topic_name = servers.settings, servers.topic_name
        self._servers = servers
        self._bulk = servers.record.loading
        self.progress = WorkerProgress()
        self._turns = PacedTurns(servers.stop, self.progress.moved)
        self.read_models = postgres.PostgresReadModelWriter(
            servers.pool,
            servers.retrier,
            self.progress.moved,
            settings.stuck_after / 2,  # an attempt ends well before the watchdog would end the worker
            servers.digest,
            lambda: self._bulk and self.app.hold is not None,
        )
        group = f"{settings.topic_prefix}-{servers.generation.name}"
        self.app = create_app(settings, group, self.read_models, bulk=self._bulk)
        self.followed = FollowedTopics(
            settings.kafka_servers,
            servers.pool,
            servers.generation.name,
            [topic_name(one) for one in _FOLDED],
            servers.retrier,
        )
        self.app.require_topics = self.followed.require
        self.reader = FaustPartitionReader(self.app)
        self.executors: list[PartitionExecutor] = []
        self.services: list[BackgroundService] = []
        self._add_agents(factories)

    async def read_hold(self) -> None:
        """Learn up to where the log may be folded now, and how fast."""
        pool, generation = self._servers.pool, self._servers.generation.name
        self.app.hold = await postgres.hold_of(pool, generation)
        if self._bulk:
            self._turns.pace = await postgres.pace_of(pool, generation)
            self.app.chunk_records = records_at_once(self._servers.settings, self._turns.pace, bulk=True)

    def lag(self) -> int:
        """How many records are left to fold."""
        return self.reader.lag(self.progress.committed)

    def lag_by_topic(self) -> Mapping[str, TopicLag]:
        """The same of each topic, and how old they are."""
        return self.progress.ages.lag(self.reader.left(self.progress.committed))

    async def commit_hint(self) -> None:
        """Tell Kafka up to which offsets the log has been folded."""
        await self.reader.commit_hint(self.progress.committed)

    def _resources(self) -> WorkerResources:
        servers = self._servers
        settings, name = servers.settings, servers.generation.name
        return WorkerResources(
            settings,
            servers.topic_name,
            id_of(settings.master_key),
            kafka.KafkaNextAgents(servers.producer, servers.topic_name, servers.retrier, servers.sealing).send,
            partial(postgres.connect, settings, name),
            servers.producer,
            self._bulk,
            servers.generation.read_models,
            lambda: max((one.seconds for one in self.lag_by_topic().values()), default=0.0),
            servers.sealing,
        )

    def _add_agents(self, factories: Sequence[AgentFactory]) -> None:
        servers, resources = self._servers, self._resources()
        settings = servers.settings
        dead_letters = kafka.KafkaDeadLetters(
            servers.producer, servers.topic_name(DEAD_LETTERS), servers.generation.name, servers.retrier
        )
        limit = DeadLetterLimit(settings.dead_letter_limit, settings.dead_letter_window)
        cutoff = Cutoff.at(*servers.record.horizon)
        for make in factories:
            if (spec := make(resources)) is not None:
                handler = ChunkHandler(
                    spec,
                    resources.id_of,
                    self.read_models,
                    dead_letters,
                    limit,
                    cutoff=cutoff,
                    sealing=servers.sealing,
                )
                self._add_agent(spec, handler)

    def _add_agent(self, spec: AgentSpec, handler: ChunkHandler) -> None:
        app = self.app
        runner = PartitionRunner(handler, self.progress, self.reader)
        waiting = WaitingChunks(lambda: app.chunk_records, together=spec.save_together is not None)
        handle = self._turns.paced(runner.handle)
        join_within = JOIN_WITHIN if spec.save_together else 0
        executor = PartitionExecutor(runner.decode, handle, app.crash, waiting, join_within=join_within, rest=spec.rest)
        add_agent(app, spec, self._servers.topic_name(spec.topic), executor)
        self.executors.append(executor)
        self.services += spec.background
