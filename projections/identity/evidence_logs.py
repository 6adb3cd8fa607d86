"""The evidence of each tenant, of a chunk or of a whole log."""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from projections.engine.ids import IdOf
from projections.erasures.folds import digest_of
from projections.identity.resolution.statements import EvidenceLog
from schemas.events import Event
from schemas.subjects import erased_id


def logs_of(events: Iterable[Event], id_of: IdOf) -> dict[str, EvidenceLog]:
    """What the events say of identity, by tenant, each contact under one name, without events that are erased singly.

    Where a contact's key in the log is destroyed, the events that erase it have a personal id in the place of its
    name; an event that is delivered again has the name.
    """
    logs: dict[str, EvidenceLog] = {}
    for event in events:
        logs.setdefault(event.tenant, EvidenceLog()).add(event)
    for tenant, log in logs.items():
        nameless = {contact_id: contact for contact in log.contacts if (contact_id := erased_id(contact)) is not None}
        for contact in log.contacts - set(nameless.values()) if nameless else ():
            if (unnamed := nameless.get(id_of(tenant, contact))) is not None:
                log.rename(unnamed, contact)
        log.erase_listed(partial(_digest, tenant, id_of))
    return logs


def _digest(tenant: str, id_of: IdOf, contact: str, event_id: str) -> UUID:
    return digest_of(id_of(tenant, contact), event_id)
