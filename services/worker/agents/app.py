"""The Faust app and its one agent: take a chunk, hand it over."""

from collections.abc import AsyncIterable
from pathlib import Path
from typing import Final, cast

from faust.types import TP
from yarl import URL

from services.runtime.settings import Settings
from services.worker.agent_spec import AgentSpec
from services.worker.chunk import Chunk
from services.worker.chunked_transport import ChunkedApp, ChunkSchema, Consumer, OffsetKeeper
from services.worker.partition_executor import PartitionExecutor

_CHUNKS_WAITING = 2  # per stream; a chunk is megabytes, so few wait
FETCH_BYTES: Final = 3 * 1_048_576 // 2  # a partition; about as many records as a chunk may have


def create_app(settings: Settings, group: str, keeper: OffsetKeeper) -> ChunkedApp:
    """The Faust app of one consumer group; it starts nothing yet."""
    app = ChunkedApp(
        group,
        broker=[URL(f"chunked://{server.strip()}") for server in settings.kafka_servers.split(",")],
        datadir=Path(settings.data_dir) / "faust",
        store="memory://",
        autodiscover=False,
        agent_supervisor="mode.CrashingSupervisor",
        consumer_max_fetch_size=FETCH_BYTES,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 5,
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
    app.chunk_records = settings.chunk_records
    return app


def add_agent(app: ChunkedApp, work: AgentSpec, topic: str, lanes: PartitionExecutor) -> None:
    """The work's agent: its topic, chunk after chunk."""

    @app.agent(app.topic(topic, schema=ChunkSchema(), acks=False), name=work.name)
    async def agent(stream: AsyncIterable[Chunk]) -> None:
        async for chunk in stream:
            await lanes.submit(chunk)


class Reader:
    """The app's consumer, for those who must not know Faust."""

    def __init__(self, app: ChunkedApp) -> None:
        self._app = app

    def pause(self, topic: str, partition: int) -> None:
        """Read no more of the partition until it is assigned anew."""
        self._app.consumer.pause_partitions({TP(topic, partition)})

    def fenced(self, topic: str, partition: int, epoch: int) -> None:
        """Join the group anew if the partition still seems to be ours, for then something is wrong."""
        self._consumer().fenced(TP(topic, partition), epoch)

    def has(self, topic: str, partition: int) -> bool:
        """Whether the partition is assigned to this worker."""
        return TP(topic, partition) in self._consumer().assignment()

    def lag(self) -> int:
        """Records in the log that were not read yet, of the partitions that are read."""
        consumer = self._consumer()
        return sum(max(0, (consumer.highwater(tp) or 0) - at) for tp, at in consumer.positions.items())

    async def hint(self) -> None:
        """Tell Kafka how far we are."""
        consumer = self._consumer()
        await consumer.hint(consumer.positions)

    def _consumer(self) -> Consumer:
        return cast("Consumer", self._app.consumer)
