"""The events of a bulk action and of its undo (pure). Their ids derive from the job and the contact."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from projections.bulk_actions.order import (
    Action,
    BindContacts,
    ResubscribeContacts,
    SetAttributeOfContacts,
    TagContacts,
    UnsubscribeContacts,
    UntagContacts,
)
from schemas.codec import from_dict
from schemas.events import Event

SOURCE: Final = "bulk_action"
_MOST_TAGGINGS: Final = 100  # of one tag and contact that an undo gives back
_DAY: Final = 86_400_000
_LONGEST: Final = 365  # days that a tag can be valid
Draft = tuple[str, dict[str, Any]]  # type and data


class ContactChange(NamedTuple):
    """What changes of a contact: its key, what it had ``before``, and the time of the events in ms."""

    contact: str
    before: Any
    at: int


class Author(NamedTuple):
    """The job whose action the events do or undo, and who asked for it."""

    tenant: str
    job_id: UUID
    by: str


def event_id(job_id: UUID, contact_id: UUID, number: int = 0, *, undo: bool = False) -> str:
    """The id of an event of a job about a contact, or of an event that undoes it, whichever job does."""
    return f"{'bulk-undo' if undo else 'bulk'}:{job_id}:{contact_id}:{number}"


def doing(action: Action, author: Author, contact_id: UUID, change: ContactChange) -> list[Event]:
    """The events that do it: one."""
    return _events([_draft(action, change.before, author.by)], author, contact_id, change, undo=False)


def undoing(action: Action, author: Author, contact_id: UUID, change: ContactChange, standing: Any) -> list[Event]:
    """The events that undo what still stands of it: of marketing the kinds ``standing``, of all else everything.

    ``change.at`` is the time of the undo.
    """
    return _events(_inverse(action, change, standing, author.by), author, contact_id, change, undo=True)


def _events(
    drafts: Sequence[Draft], author: Author, contact_id: UUID, change: ContactChange, *, undo: bool
) -> list[Event]:
    channel, account, uid = change.contact.split(":", 2)
    common = {
        "tenant": author.tenant,
        "contact": {"channel": channel, "account": account, "uid": uid},
        "occurred_at": change.at,
        "received_at": change.at,
        "source": SOURCE,
    }
    return [
        from_dict(
            common | {"event_id": event_id(author.job_id, contact_id, number, undo=undo), "type": name, "data": data}
        )
        for number, (name, data) in enumerate(drafts)
    ]


def _draft(action: Action, before: Any, by: str) -> Draft:
    match action:
        case TagContacts(tag=tag, expires_after=days):
            return "tag.added", {"tag": tag, "source": SOURCE} | ({} if days is None else {"expires_after": days})
        case UntagContacts(tag=tag):
            return "tag.removed", {"tag": tag, "source": SOURCE}
        case SetAttributeOfContacts():
            return "attribute.set", action.model_dump(exclude={"do"}, exclude_none=True)
        case UnsubscribeContacts():
            return "marketing.opted_out", {"kinds": before, "by": by}
        case ResubscribeContacts():
            return "marketing.opted_in", {"kinds": before, "by": by}
        case BindContacts(member=member, branch=branch):
            return "omo.bound", {"member": member, "branch": branch}


def _inverse(action: Action, change: ContactChange, standing: Any, by: str) -> list[Draft]:
    before = change.before
    match action:
        case TagContacts(tag=tag):
            return [("tag.removed", {"tag": tag, "source": SOURCE})]
        case UntagContacts(tag=tag):
            return list(_taggings(tag, before, change.at))
        case SetAttributeOfContacts(key=key):
            return [("attribute.set", {"key": key} | before) if before else ("attribute.unset", {"key": key})]
        case UnsubscribeContacts():
            return [("marketing.opted_in", {"kinds": standing, "by": by})]
        case ResubscribeContacts():
            return [("marketing.opted_out", {"kinds": standing, "by": by})]
        case BindContacts():
            had = {name: value for name, value in before.items() if value is not None}
            return [("omo.bound", had) if had else ("omo.unbound", {})]


def _taggings(tag: str, before: Mapping[str, Any], at: int) -> Iterator[Draft]:
    """As many taggings as there were, valid for what is left of their time."""
    data = {"tag": tag} | ({"source": before["source"]} if before["source"] else {})
    if before["expires_at"] is not None:
        left = before["expires_at"] - at
        if left <= 0:
            return
        data["expires_after"] = max(1, min(left // _DAY, _LONGEST))
    for _ in range(min(before["count"], _MOST_TAGGINGS)):
        yield "tag.added", data
