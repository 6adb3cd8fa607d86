"""The cost of an event of evidence where ten times as many contacts are known.

One generation has the contacts of some households; the other has the same ones and more, ten times as many in all. Then
the same further events, about contacts of both and about new ones of their households, are folded into a copy of each,
in turn. Both generations were made in the same way: one worker, the same order of the common events, then PostgreSQL's
housekeeping (VACUUM ANALYZE), which a live system does by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.bed import Bed, reading
from benchmarks.checks import require_evidence_balance, require_membership
from benchmarks.figures import Figure, Ratio, Round, Size
from benchmarks.identity.households import Timed, evidence, household, households_of
from benchmarks.worker import rest, seconds_to_fold
from schemas.topics import IDENTITY_EVIDENCE
from services.runtime.settings import Settings

FIGURES: Final = (
    Figure("identity_us_per_event", "an event of evidence", "µs"),
    Figure("identity_us_per_event_grown", "… at ten times the contacts", "µs"),
    Figure(
        "identity_growth_ratio",
        "cost at ten times the contacts",
        "times",
        at_most=1.2,
        ratio=Ratio("identity_us_per_event_grown", "identity_us_per_event"),
    ),
)
_TIMES: Final = 10
_HALF_TIME: Final = 0.5  # evidence up to then is known beforehand, later evidence is timed


@dataclass(frozen=True, slots=True)
class _Known:
    """A generation to copy, and how much is in it."""

    settings: Settings
    contacts: int
    events: int


class Growth:
    """See the module."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._rounds = self._further = 0
        self._known: dict[str, _Known] = {}

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Make two generations with the evidence so far, and logs with the further evidence."""
        self._rounds = size.rounds
        # Half of the evidence of these households is about this many contacts.
        live = households_of(2 * size.contacts)
        others = households_of((_TIMES - 1) * size.contacts)
        records = [one for number in range(live) for one in household(number)]
        before, after = (
            [one for one in records if one[0] < _HALF_TIME],
            [one for one in records if one[0] >= _HALF_TIME],
        )
        for key, other_households in (("identity_us_per_event", 0), ("identity_us_per_event_grown", others)):
            earlier = _squeezed(one for number in range(live, live + other_households) for one in household(number))
            self._known[key] = await _know(bed, f"known{other_households}", evidence([*before, *earlier]))
            self._further = await bed.fill_log(
                self._known[key].settings.topic_prefix, evidence(after), IDENTITY_EVIDENCE
            )

    async def measure(self, bed: Bed, number: int) -> Round:
        """Fold the further events into a copy of each, each time beginning with another one."""
        turns = list(self._known.items())
        return {key: await self._cost(bed, key, known, number) for key, known in turns[:: -1 if number % 2 else 1]}

    async def _cost(self, bed: Bed, key: str, known: _Known, number: int) -> float:
        prefix = known.settings.topic_prefix
        async with bed.generation(f"{key}{number}", prefix, known.settings) as settings:
            with bed.console.status(f"Identity, where {known.contacts:,} contacts are known …"):
                seconds = await seconds_to_fold(bed, settings)
            async with reading(settings) as connection:
                await require_evidence_balance(connection, known.events + self._further)
            if number == self._rounds - 1:
                await require_membership(settings, IDENTITY_EVIDENCE)
        return seconds / self._further * 1_000_000

    def facts(self) -> Mapping[str, object]:
        """The sizes of the generations and of the further evidence."""
        small, large = (known.contacts for known in self._known.values())
        return {"growth_contacts": small, "growth_contacts_grown": large, "growth_events": self._further}


def _squeezed(records: Iterable[Timed]) -> Iterable[Timed]:
    """Move all times into the first half."""
    return ((at * _HALF_TIME, record) for at, record in records)


async def _know(bed: Bed, name: str, records: list[tuple[bytes, bytes]]) -> _Known:
    prefix = f"bench-{name}"
    with bed.console.status(f"Resolving {len(records):,} events of evidence, to begin with …"):
        await bed.fill_log(prefix, records, IDENTITY_EVIDENCE)
        settings = await bed.lasting_generation(name, prefix)
        await seconds_to_fold(bed, settings)
    await rest(settings)
    async with reading(settings) as connection:
        contacts = await connection.fetchval("SELECT count(*) FROM members WHERE current")
    return _Known(settings, contacts, len(records))
