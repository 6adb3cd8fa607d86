"""How many events of evidence are resolved a second, on an empty generation, components having up to 30 contacts."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.bed import Bed, reading
from benchmarks.checks import require_evidence_balance, require_membership
from benchmarks.figures import Figure, Round, Size
from benchmarks.identity.households import evidence, household, households_of
from benchmarks.worker import seconds_to_fold
from schemas.topics import IDENTITY_EVIDENCE

FIGURES: Final = (Figure("identity_events_per_s", "evidence resolved", "events/s", at_least=5_000),)
_PREFIX: Final = "bench-identity"


class IdentityRate:
    """Each round folds the same log of evidence into an empty generation."""

    def __init__(self) -> None:
        self.figures: Sequence[Figure] = FIGURES
        self._rounds = self._contacts = self._events = 0

    async def prepare(self, bed: Bed, size: Size) -> None:
        """Fill the log."""
        self._rounds, self._contacts = size.rounds, 2 * size.contacts
        said = (one for number in range(households_of(self._contacts)) for one in household(number))
        with bed.console.status("Putting evidence into the log …"):
            self._events = await bed.fill_log(_PREFIX, evidence(said), IDENTITY_EVIDENCE)

    async def measure(self, bed: Bed, number: int) -> Round:
        """From the assignment of the partitions to the commit of the last event; see `benchmarks.worker`."""
        async with bed.generation(f"identity{number}", _PREFIX) as settings:
            with bed.console.status(f"Identity: {self._events:,} events of evidence …"):
                seconds = await seconds_to_fold(bed, settings)
            async with reading(settings) as connection:
                await require_evidence_balance(connection, self._events)
            if number == self._rounds - 1:
                await require_membership(settings, IDENTITY_EVIDENCE)
        return {"identity_events_per_s": self._events / seconds}

    def facts(self) -> Mapping[str, object]:
        """How much was resolved."""
        return {"identity_events": self._events, "identity_contacts": self._contacts}
