"""What can't be answered, by what the reader is told.

LookupError
├── NotFound    404
└── Ambiguous   409
ValueError
└── BadCursor   400
"""

from collections.abc import Sequence
from uuid import UUID


class NotFound(LookupError):
    """Nothing of this tenant is known under that name. The message is the reader's to see."""


class Ambiguous(LookupError):
    """Several customers hold this value, since it does not tie them together. Ask for one of them by its id.

    ``candidates`` are customers, the one with the strongest claim first; of very many, the first.
    """

    def __init__(self, candidates: Sequence[UUID]) -> None:
        super().__init__(*(Ambiguous.__doc__ or "").splitlines()[:1])
        self.candidates = candidates


class BadCursor(ValueError):
    """A cursor is used as the last page gave it, or not at all."""
