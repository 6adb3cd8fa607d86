"""Requests that can't be answered, by the status that the reader gets.

LookupError
├── NotFound    404
└── Ambiguous   409
ValueError
├── NoStartingPoint         422
├── BadCursor               400
└── CursorOfAnotherSearch   422
"""

from collections.abc import Sequence
from uuid import UUID


class BadSpan(Exception):
    """The days that are asked for are none, or too many. The message is shown to the reader."""


class UnreadableList(Exception):
    """The list of contacts that is asked about can't be read, or is too long. The message is shown to the reader."""


class AnswersAboutNow(Exception):
    """This route answers about the present alone; leave out `as_of` and `known_at`."""


class TwoPlaces(Exception):
    """Send `cursor` or `around`, not both: the cursors of a page around an event lead on from it."""


class NoStartingPoint(ValueError):
    """Say where to begin: `after` is a cursor, `beginning` or `now`."""


class NotFound(LookupError):
    """This tenant has nothing of that name. The message is shown to the reader."""


class Ambiguous(LookupError):
    """Several customers hold this value, since it does not tie them together. Ask for one of them by its id.

    ``candidates`` are their ids, in the order of their strongest holder; of very many, the first.
    """

    def __init__(self, candidates: Sequence[UUID]) -> None:
        super().__init__(*(Ambiguous.__doc__ or "").splitlines()[:1])
        self.candidates = candidates


class BadCursor(ValueError):
    """This cursor was not given by a page: use it unchanged, or leave it out."""


class CursorOfAnotherSearch(ValueError):
    """This cursor is of a search with another filter or another order."""
