"""What a page shows of a preview of a policy: sizes of customers as pairs of bars, and examples (pure)."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from services.console.core.condition_forms import Say
from services.query.core.policy_models import Example, Preview, SizeBand

MOST_EXAMPLES: Final = 5  # of a kind
MOST_CONTACTS: Final = 8  # of a piece


class PairedBar(NamedTuple):
    """Customers of some size now and then, with the lengths of their bars in percent of the longest."""

    name: str
    now: int
    then: int
    now_width: float
    then_width: float


class ShownExample(NamedTuple):
    """A customer that would change: what it is made of, or falls into."""

    example: Example
    joins: bool


def paired_bars(bands: Sequence[SizeBand], say: Say) -> list[PairedBar]:
    """The sizes that customers have now or then."""
    most = max((max(one.now, one.then) for one in bands), default=0) or 1
    return [
        PairedBar(_size(one, say), one.now, one.then, 100 * one.now / most, 100 * one.then / most)
        for one in bands
        if one.now or one.then
    ]


def examples_of(preview: Preview) -> list[ShownExample]:
    """The largest customers that would change: those that join first, then those that part."""
    return [
        ShownExample(one, joins)
        for kind, joins in ((preview.merged, True), (preview.split, False))
        for one in kind.largest[:MOST_EXAMPLES]
    ]


def named_contacts(examples: Iterable[ShownExample]) -> set[str]:
    """The contacts that the page names."""
    pieces = (piece for shown in examples for piece in shown.example.pieces[:MOST_CONTACTS])
    return {contact for piece in pieces for contact in piece.contacts[:MOST_CONTACTS]}


def _size(band: SizeBand, say: Say) -> str:
    if band.most is None:
        return say("%(least)d or more") % {"least": band.least}
    return str(band.least) if band.most == band.least else f"{band.least}\N{EN DASH}{band.most}"
