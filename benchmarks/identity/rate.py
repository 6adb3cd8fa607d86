"""How many events of evidence are resolved a second, on an empty generation, in components of up to 30 contacts.

A brand's evidence has one writer. With eight brands, the worker resolves one's evidence while PostgreSQL writes
another's; with one brand each waits for the other. Both are measured.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.bed import Bed, reading
from benchmarks.checks import require_evidence_balance, require_membership
from benchmarks.figures import Figure, Round, Size
from benchmarks.identity.households import evidence, household, households_of
from benchmarks.worker import seconds_to_fold
from schemas.topics import IDENTITY_EVIDENCE

FIGURES: Final = (
    Figure("identity_events_per_s", "evidence resolved, of eight brands", "events/s", at_least=5_000),
    Figure("identity_one_brand_events_per_s", "… of one brand", "events/s"),
)
_BRANDS: Final = {FIGURES[0].key: 8, FIGURES[1].key: 1}


class IdentityRate:
    """Each round folds the same two logs of evidence, each into an empty generation."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._rounds = self._contacts = self._events = 0

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Fill the logs."""
        self._rounds, self._contacts = size.rounds, 2 * size.contacts
        for brands in _BRANDS.values():
            numbers = range(households_of(self._contacts))
            records = (one for number in numbers for one in household(number, f"brand-{number % brands}"))
            with bed.console.status("Putting evidence into the log …"):
                self._events = await bed.fill_log(_prefix(brands), evidence(records), IDENTITY_EVIDENCE)

    async def measure(self, bed: Bed, number: int) -> Round:
        """From the assignment of the partitions to the commit of the last event; see `benchmarks.worker`."""
        return {key: await self._rate(bed, brands, number) for key, brands in _BRANDS.items()}

    async def _rate(self, bed: Bed, brands: int, number: int) -> float:
        async with bed.generation(f"identity{brands}_{number}", _prefix(brands)) as settings:
            with bed.console.status(f"Identity: {self._events:,} events of evidence …"):
                seconds = await seconds_to_fold(bed, settings)
            async with reading(settings) as connection:
                await require_evidence_balance(connection, self._events)
            if number == self._rounds - 1:
                await require_membership(settings, IDENTITY_EVIDENCE)
        return self._events / seconds

    def facts(self) -> Mapping[str, object]:
        """The sizes of the load."""
        return {"identity_events": self._events, "identity_contacts": self._contacts}


def _prefix(brands: int) -> str:
    return f"bench-identity-{brands}"
