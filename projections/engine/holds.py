"""A generation that is being built may be held: its workers fold nothing beyond some offsets of the log.

A rebuild keeps the hold at or below the offsets of the active generation, so that the generation that it builds is
never ahead, and stands at the same offsets when the two are compared.
"""

from collections.abc import Mapping
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.migrations.tables import GENERATIONS

Vector = Mapping[int, int]  # partition -> next offset; a partition that is not listed stands at 0
OffsetHold = Mapping[str, Vector]  # by topic; a topic that is not listed is not held

_NAMED: Final = GENERATIONS.c.name == sa.bindparam("of_name", type_=sa.Text())
# One that became the active one is not held any more, whatever its row says.
_READ: Final = compiled(sa.select(GENERATIONS.c.hold).where(_NAMED, GENERATIONS.c.state == "building"), "of_name")
_SET: Final = compiled(
    sa.update(GENERATIONS).where(_NAMED).values(hold=sa.bindparam("hold", type_=JSONB())), *("of_name", "hold")
)


async def read_hold(connection: Connection, name: str) -> OffsetHold | None:
    """The hold of a generation that is being built; None if it has none, or is not being built."""
    text = await connection.fetchval(_READ, name)
    if text is None:
        return None
    return {topic: {int(place): end for place, end in ends.items()} for topic, ends in orjson.loads(text).items()}


async def set_hold(connection: Connection, name: str, hold: OffsetHold | None) -> None:
    """Hold the generation at these offsets; with None, let it go on."""
    text = None if hold is None else orjson.dumps(dict(hold), option=orjson.OPT_NON_STR_KEYS).decode()
    await connection.execute(_SET, name, text)


def allows(hold: OffsetHold | None, topic: str, partition: int) -> int | None:
    """The offset before which records of the partition may be folded; None if there is no limit."""
    of_topic = None if hold is None else hold.get(topic)
    return None if of_topic is None else of_topic.get(partition, 0)


def ahead(vector: Vector, of: Vector) -> bool:
    """Whether the vector is at least as far in every partition."""
    return all(vector.get(partition, 0) >= offset for partition, offset in of.items())


def missing(end: Vector, reached: Vector) -> int:
    """How many records lie between the offsets that were reached and the end, in all partitions."""
    return sum(max(0, offset - reached.get(partition, 0)) for partition, offset in end.items())


def furthest(one: Vector, other: Vector) -> dict[int, int]:
    """The greater offset of each partition."""
    return {partition: max(one.get(partition, 0), other.get(partition, 0)) for partition in one.keys() | other.keys()}
