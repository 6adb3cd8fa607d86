"""The topics that a generation folds, as they were when it first folded them: their ids and numbers of partitions.

Offsets mean something in one log only. A topic that was deleted and made again has its name and another id: none of its
records was folded, whatever the offsets say. Where partitions were added, events of one contact are in two of them.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from projections.engine.connection import Connection
from projections.engine.statements import compiled
from projections.migrations.tables import GENERATIONS

_NAMED: Final = GENERATIONS.c.name == sa.bindparam("of_name", type_=sa.Text())
_READ: Final = compiled(sa.select(GENERATIONS.c.topics).where(_NAMED), "of_name")
_KNOWN: Final = sa.func.coalesce(GENERATIONS.c.topics, sa.text("'{}'::jsonb"), type_=JSONB())
_SEEN: Final = sa.bindparam("seen", type_=JSONB())
# Of two that note a topic at the same time the first one's note stays.
_NOTE: Final = compiled(
    sa.update(GENERATIONS).where(_NAMED).values(topics=_SEEN.op("||")(_KNOWN)).returning(GENERATIONS.c.topics),
    *("of_name", "seen"),
)
_REPLACE: Final = compiled(
    sa.update(GENERATIONS).where(_NAMED).values(topics=_KNOWN.op("||")(_SEEN)), *("of_name", "seen")
)
_AFRESH: Final = "`onefold migrate --fresh` (with `onefold up`: `onefold up --fresh`)"


class TopicIdentity(NamedTuple):
    """A topic on the broker: its id, a UUID as text, and the number of its partitions."""

    topic_id: str
    partitions: int


TopicIdentities = Mapping[str, TopicIdentity]  # by name


async def read_followed(connection: Connection, generation: str) -> dict[str, TopicIdentity]:
    """The topics that the generation folds, as it first saw them; those that it has not seen are left out."""
    return _from_json(await connection.fetchval(_READ, generation))


async def note_followed(connection: Connection, generation: str, seen: TopicIdentities) -> dict[str, TopicIdentity]:
    """Note those topics that the generation had not seen; returns all that it has, as it first saw them."""
    known = await read_followed(connection, generation)
    if seen.keys() <= known.keys():
        return known
    return _from_json(await connection.fetchval(_NOTE, generation, _to_json(seen)))


async def replace_followed(connection: Connection, generation: str, seen: TopicIdentities) -> None:
    """Have the generation go on with these topics. Each record must be at the offset that it had in the former ones."""
    await connection.execute(_REPLACE, generation, _to_json(seen))


def replaced(name: str, known: TopicIdentity, now: TopicIdentity) -> str | None:
    """Why offsets of the known topic mean nothing in the one that has its name now, and what to do; None if they do."""
    if known.topic_id != now.topic_id:
        return (
            f"{name} is not the topic that was folded (it was deleted and made again: id {known.topic_id} before, "
            f"{now.topic_id} now). If you have its records in files, stop all services: `onefold log export DIR "
            "--append` adds those that came since, and `onefold log import DIR --replace` brings all back. If not, or "
            f"if it shall stay as it is, fold it from its beginning: {_AFRESH}"
        )
    if now.partitions > known.partitions:
        return (
            f"{name} has {now.partitions} partitions, and had {known.partitions} when it was first folded, so events "
            "of one contact are in two of them, in no order. Stop what writes to it, and spread its records anew: "
            "`onefold log export DIR --topic channel-events`, `onefold log import DIR --replace --renumber "
            f"--partitions {now.partitions}`, {_AFRESH}"
        )
    return None


def _to_json(topics: TopicIdentities) -> str:
    return orjson.dumps({name: one._asdict() for name, one in topics.items()}).decode()


def _from_json(text: str | None) -> dict[str, TopicIdentity]:
    return {name: TopicIdentity(**one) for name, one in orjson.loads(text or "{}").items()}
