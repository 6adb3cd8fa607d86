"""What was sent and what was acknowledged, written down outside the product and compared with its timelines."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.support.worlds import World


@dataclass
class Account:
    """The ids of events that happened to a contact; ``acknowledged`` are those of bodies that were answered 2xx."""

    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)

    async def agree(self, world: World) -> None:
        """Check the timelines of the active generation.

        Every acknowledged event is in one exactly once, and nothing is there that was never sent.
        """
        async with world.connection() as connection:
            rows = await connection.fetch("SELECT event_id FROM timeline")
        found = Counter(row["event_id"] for row in rows)
        assert not (lost := self.acknowledged - found.keys()), f"acknowledged and lost: {_some(lost)}"
        assert not (invented := found.keys() - self.sent), f"never sent: {_some(invented)}"
        assert not (twice := {one for one, times in found.items() if times > 1}), f"more than once: {_some(twice)}"


def _some(ids: Iterable[str]) -> str:
    every = sorted(ids)
    return f"{len(every)} events, such as {', '.join(every[:5])}"
