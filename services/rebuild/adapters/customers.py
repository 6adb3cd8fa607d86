"""How far the composer of a generation's customer rows is, whichever worker it is part of."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple
from uuid import UUID

from projections.customers.composing import unfinished_tenants
from projections.customers.store import all_states, is_composing
from projections.customers.tables import COMPOSED
from projections.engine.connection import Connection
from projections.engine.stored_columns import columns_by_table
from projections.engine.touched import TOUCHED, latest_of_all, number_touched_up_to
from projections.identity.tables import MEMBERS, POLICIES, RESOLUTIONS
from services.rebuild.adapters.postgres import in_schema

_READ: Final = (TOUCHED, COMPOSED, RESOLUTIONS, MEMBERS, POLICIES)  # to know whose rows are pending


class ComposerBacklog(NamedTuple):
    """How many changes are left, and where the composer is with the tenants of which it makes all rows."""

    changes: int
    positions: tuple[tuple[str, UUID | None], ...]

    def __bool__(self) -> bool:
        """Whether something is left."""
        return bool(self.changes or self.positions)


def notes_changes(columns: Mapping[str, Collection[str]]) -> bool:
    """Whether a generation with tables of these columns says as this code does whose rows are still to be made."""
    return all(columns.get(str(one.name)) == frozenset(one.columns.keys()) for one in _READ)


async def latest_change(control: Connection, generation: str) -> int:
    """The number of the latest change of which customer rows are still to be made; 0 if there is none."""
    async with in_schema(control, generation):
        return await latest_of_all(control) if notes_changes(await columns_by_table(control)) else 0


async def composer_backlog(control: Connection, generation: str, upto: int) -> ComposerBacklog:
    """What is left of the changes with numbers up to this one; nothing if no worker composes."""
    async with in_schema(control, generation):
        if not notes_changes(await columns_by_table(control)) or not await is_composing(control):
            return ComposerBacklog(0, ())
        states = await all_states(control)
        unfinished = await unfinished_tenants(control)
        positions = tuple((one, state.position if (state := states.get(one)) else None) for one in unfinished)
        return ComposerBacklog(await number_touched_up_to(control, upto), positions)
