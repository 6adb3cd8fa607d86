"""The Faust app, its agents, and the one handle on its consumer."""

from collections.abc import AsyncIterable, Mapping
from pathlib import Path
from typing import Final, cast

from faust.types import TP
from yarl import URL

from projections.engine.holds import allows
from services.runtime.settings import Settings
from services.worker.agent_spec import AgentSpec
from services.worker.chunked_transport import ChunkedApp, ChunkSchema, Consumer, OffsetKeeper
from services.worker.core.chunk import Chunk
from services.worker.handlers.partition_executor import PartitionExecutor
from services.worker.handlers.turns import FULL

_CHUNKS_WAITING: Final = 2  # per stream; a chunk is megabytes, so few wait
FETCH_BYTES: Final = 3 * 1_048_576 // 2  # per partition and fetch; about as many records as a chunk may have
_IN_BULK: Final = 4  # times as many records and bytes
_HEARTBEATS: Final = 5  # in a session's time-out
_HEARTBEATS_IN_BULK: Final = 40  # all workers of a rebuild start together: each is told soon that another one has come
_WHILE_PACED: Final = 4  # times fewer: whoever waits for the processor, or for a lock, waits for less


def create_app(settings: Settings, group: str, keeper: OffsetKeeper, *, bulk: bool = False) -> ChunkedApp:
    """The Faust app of one consumer group. It is not started yet, and has no agents.

    With ``bulk`` more is fetched at once, since more may be saved at once: see `records_at_once`.
    """
    times = _IN_BULK if bulk else 1
    app = ChunkedApp(
        group,
        broker=[URL(f"chunked://{server.strip()}") for server in settings.kafka_servers.split(",")],
        datadir=Path(settings.data_dir) / "faust",
        store="memory://",
        autodiscover=False,
        agent_supervisor="mode.CrashingSupervisor",
        consumer_max_fetch_size=FETCH_BYTES * times,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / (_HEARTBEATS_IN_BULK if bulk else _HEARTBEATS),
        broker_request_timeout=90.0,
        stream_buffer_maxsize=_CHUNKS_WAITING,
        stream_wait_empty=False,
        stream_publish_on_commit=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        worker_redirect_stdouts=False,
        web_enabled=False,
        cython_optimizations=True,
    )
    app.offset_keeper = keeper
    app.chunk_records = records_at_once(settings, FULL, bulk=bulk)
    return app


def records_at_once(settings: Settings, pace: float, *, bulk: bool) -> int:
    """The most records of a chunk, and of those that are saved in one transaction, by the share of the time at work.

    In ``bulk`` there are more: nobody waits for the first of their events, and what a transaction costs, and what each
    of its contacts costs, is paid less often. A worker that gives way makes its transactions short.
    """
    if pace < FULL:
        return max(1, settings.chunk_records // _WHILE_PACED)
    return settings.chunk_records * (_IN_BULK if bulk else 1)


def add_agent(app: ChunkedApp, spec: AgentSpec, topic: str, executor: PartitionExecutor) -> None:
    """Add the agent that submits the topic's chunks to the executor."""

    @app.agent(app.topic(topic, schema=ChunkSchema(), acks=False), name=spec.name)
    async def agent(stream: AsyncIterable[Chunk]) -> None:
        async for chunk in stream:
            await executor.submit(chunk)


class FaustPartitionReader:
    """The app's consumer, for modules that must not know Faust; see PartitionReader."""

    def __init__(self, app: ChunkedApp) -> None:
        self._app = app

    def pause(self, topic: str, partition: int) -> None:
        """Read no more of the partition until it is assigned again."""
        self._app.consumer.pause_partitions({TP(topic, partition)})

    def rejoin_if_owned(self, topic: str, partition: int, epoch: int) -> None:
        """Join the group again if the partition still seems to be ours, though a chunk of this epoch was fenced."""
        self._consumer().rejoin_if_owned(TP(topic, partition), epoch)

    def owns(self, topic: str, partition: int) -> bool:
        """Whether the partition is assigned to this worker."""
        return TP(topic, partition) in self._consumer().assignment()

    def lag(self, committed: Mapping[tuple[str, int], int]) -> int:
        """How many records of the partitions that are read have not been folded and committed yet.

        ``committed`` has the offset after the last commit, by topic and partition.
        """
        return sum(self.left(committed).values())

    def left(self, committed: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
        """The same of each partition that is read. What a hold keeps back is not left: nobody is to fold it yet."""
        folded = self._folded(committed)
        return {(tp.topic, tp.partition): max(0, self._end(tp) - at) for tp, at in folded.items()}

    def _end(self, tp: TP) -> int:
        """Up to where the partition may be folded now."""
        held, end = allows(self._app.hold, *tp), self._consumer().highwater(tp) or 0
        return end if held is None else min(held, end)

    async def commit_hint(self, committed: Mapping[tuple[str, int], int]) -> None:
        """Tell Kafka up to which offsets the log has been folded, for its lag dashboards."""
        await self._consumer().commit_hint(self._folded(committed))

    def _folded(self, committed: Mapping[tuple[str, int], int]) -> dict[TP, int]:
        starts = self._consumer().starts
        return {tp: max(start, committed.get((tp.topic, tp.partition), 0)) for tp, start in starts.items()}

    def _consumer(self) -> Consumer:
        return cast("Consumer", self._app.consumer)
