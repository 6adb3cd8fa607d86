"""Appends which member ids became others: one, or a list while it arrives."""

from collections import deque
from typing import Any, Final

from services.ingress.core.events import Accepted, Rejected, RequestContext
from services.ingress.core.list_lines import MERGES, Form, reader_of
from services.ingress.core.member_merges import MergeTerms, validate_entry, validate_merge, validate_undo
from services.ingress.core.statements import Receipt
from services.ingress.handlers.list_import import ListImport
from services.ingress.handlers.record_members import append_item
from services.ingress.ports import Log

_DOOR: Final = "merges"
_MOST_RECEIPTS: Final = 500


async def take_merge(
    member_id: str, body: Any, context: RequestContext, terms: MergeTerms, log: Log
) -> Receipt | Rejected:
    """Validate a merge and append it. Raises LogUnavailable."""
    return await append_item(_DOOR, validate_merge(member_id, body, context, terms), log)


async def take_undo(
    member_id: str, by: str | None, context: RequestContext, terms: MergeTerms, log: Log
) -> Receipt | Rejected:
    """Validate the undo of a merge and append it. Raises LogUnavailable."""
    return await append_item(_DOOR, validate_undo(member_id, by, context, terms), log)


class MergeImport(ListImport):
    """The import of a list of merges. Taking more of it raises NoColumns or LogUnavailable.

    ``receipts`` are of the last events: the tenant's events are read in their order, so these are visible last.
    """

    def __init__(self, form: Form, context: RequestContext, terms: MergeTerms, log: Log) -> None:
        super().__init__(_DOOR, reader_of(form, MERGES), self._merge, log, quoted=form == "csv")
        self.receipts: deque[Receipt] = deque(maxlen=_MOST_RECEIPTS)
        self._context = context
        self._terms = terms

    def _merge(self, entry: Any, number: int) -> Accepted | Rejected:
        outcome = validate_entry(entry, number, self._context, self._terms)
        if isinstance(outcome, Rejected):
            return outcome
        (accepted,) = outcome.parts
        self.receipts.append(Receipt.of(number, [accepted.event]))
        return accepted
