"""Has generations go on with imported topics, where each record is at the offset that it had."""

from collections.abc import Iterator

from projections.engine.connection import Connection
from projections.engine.followed_topics import read_followed, replace_followed
from projections.engine.generation_tables import use_generation
from projections.engine.generations import all_generations
from projections.engine.offsets import next_offsets
from services.logfiles.importing import Imported
from services.runtime.database import dedicated_connection
from services.runtime.settings import Settings


async def adopt(settings: Settings, imported: Imported) -> list[str]:
    """A sentence for each fed generation: it goes on with the imported topics, or why not and what to do.

    Raises what PostgreSQL raises.
    """
    silent = 60.0
    connecting = dedicated_connection(settings.database_url, schema="onefold", silent_for=silent, name="onefold-log")
    async with connecting as connection:
        fed = [one.name for one in await all_generations(connection) if one.fed]
        return [await _adopted(connection, name, settings.topic_prefix, imported) for name in fed]


async def _adopted(connection: Connection, generation: str, prefix: str, imported: Imported) -> str:
    known = await read_followed(connection, generation)
    async with connection.transaction():
        await use_generation(connection, generation)
        folded = await next_offsets(connection)
    names = {f"{prefix}.{short}": short for short in imported.topics}
    same = [name for name in names if name in known and known[name].topic_id == _archived_id(imported, names[name])]
    beyond = list(_beyond(imported, {name: names[name] for name in same}, folded))
    if beyond:
        return (
            f"{generation} has folded records of {', '.join(beyond)} that the files do not have, so it can't go on. "
            "Fold what there is into an empty generation: onefold migrate --fresh"
        )
    await replace_followed(connection, generation, {name: imported.topics[names[name]] for name in same})
    lost = [name for name in folded if name in known and name not in same and any(folded[name].values())]
    if lost:
        return f"{generation} has folded other topics than these files have: {', '.join(lost)}. See `onefold doctor`."
    return f"{generation} goes on where it was: start the workers."


def _archived_id(imported: Imported, short: str) -> str:
    return imported.manifest.topics[short].topic_id


def _beyond(imported: Imported, names: dict[str, str], folded: dict[str, dict[int, int]]) -> Iterator[str]:
    for name, short in names.items():
        archived = imported.manifest.topics[short]
        if any(offset > archived.first_end(number) for number, offset in folded.get(name, {}).items()):
            yield name
