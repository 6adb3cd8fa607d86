"""Appends a campaign's list of contacts while it arrives."""

from typing import Any

from services.ingress.core.campaigns import Send, check, is_head, validate_entry
from services.ingress.core.events import Accepted, Rejected, RequestContext
from services.ingress.core.list_lines import CONTACTS, Form, reader_of
from services.ingress.handlers.list_import import ListImport
from services.ingress.ports import Log


class CampaignImport(ListImport):
    """The import of one list of contacts. ``send`` is final once the first line was taken.

    Taking more of the list raises Refused, NoColumns or LogUnavailable.
    """

    def __init__(self, send: Send, form: Form, context: RequestContext, log: Log) -> None:
        super().__init__("campaigns", reader_of(form, CONTACTS), self._message, log, quoted=form == "csv")
        self.send = send
        self._context = context
        self._begun = False

    def _message(self, entry: Any, number: int) -> Accepted | Rejected | None:
        if not self._begun:
            self._begun = True
            heads = is_head(entry)
            self.send = self.send.amended(entry) if heads else self.send
            check(self.send, self._context)
            if heads:
                return None
        return validate_entry(entry, number, self.send, self._context)
