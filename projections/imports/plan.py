"""What becomes of a row: the events that make true what it states and is not yet (pure).

The dry run and the run ask the same function, each on what is stored at that moment.

An event's id derives from what it states and from what stood in its place. So a file that is imported twice at once,
or a step that is done twice, gives the same events again, which are absorbed; and what was changed in between is
stated anew.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

import orjson

from projections.identity.resolution.policy import Policy
from projections.identity.resolution.values import Normalised, normalise
from projections.imports.order import ImportOrder
from projections.imports.statements import AttributeContent, RowStatement, StatedAttribute
from schemas.codec import from_dict
from schemas.events import Event

Outcome = Literal["created", "updated", "unchanged", "refused", "empty"]
SOURCE: Final = "import"


class ImportTarget(NamedTuple):
    """What is stored of the customer, or the contact, that a row is about.

    ``identifiers`` are (type, normalised value). ``tags`` are those that are on each contact, by its key.
    ``standing`` says what stands in the place of each statement about the contact that the events are about, by
    (event type, subject): texts that change whenever that does.
    """

    exists: bool = False
    names: frozenset[str] = frozenset()
    identifiers: frozenset[tuple[str, str]] = frozenset()
    tags: Mapping[str, frozenset[str]] = {}
    attributes: Mapping[str, AttributeContent] = {}
    staff: tuple[str, str] = ("", "")
    standing: Mapping[tuple[str, str], str] = {}


class PlannedRow(NamedTuple):
    """What becomes of a row, and the events that do it."""

    outcome: Outcome
    events: tuple[Event, ...] = ()


class _Draft(NamedTuple):
    """An event: its type, its data, whom it is about, and what of that (with the type, the place of the statement)."""

    type: str
    data: dict[str, Any]
    contact: str
    subject: str = ""


class Planner:
    """Plans the rows of one import, whose events occur at ``at``, in ms."""

    def __init__(self, tenant: str, order: ImportOrder, policy: Policy, at: int) -> None:
        self._tenant = tenant
        self._order = order
        self._policy = policy
        self._at = at

    def plan(self, row: RowStatement, target: ImportTarget) -> PlannedRow:
        """What becomes of the row."""
        channel, account = self._order.place
        contact = f"{channel}:{account}:{row.uid}"
        drafts = [
            *self._identity(row, target, contact),
            *_profile(row, target, contact),
            *_tags(row, target, contact, replace=self._order.tags == "replace"),
            *_attributes(row.attributes, target, contact),
            *_staff(row, target, contact),
        ]
        if not drafts and target.exists:
            return PlannedRow("unchanged")
        drafts = drafts or [_Draft("profile.updated", {}, contact)]  # that there is such a one
        events = tuple(self._event(draft, target) for draft in drafts)
        return PlannedRow("updated" if target.exists else "created", events)

    def _identity(self, row: RowStatement, target: ImportTarget, contact: str) -> Iterator[_Draft]:
        for kind, value in row.identifiers:
            found = normalise(kind, value, self._policy)
            if not isinstance(found, Normalised) or (kind, found.value) not in target.identifiers:
                one = {"type": kind, "value": value, "assurance": "stated"}
                yield _Draft("identity.bound", {"identifiers": [one], "via": "import"}, contact, f"{kind}:{value}")

    def _event(self, draft: _Draft, target: ImportTarget) -> Event:
        channel, account, uid = draft.contact.split(":", 2)
        standing = target.standing.get((draft.type, draft.subject), "")
        stated = orjson.dumps(
            [self._tenant, draft.contact, draft.type, draft.data, standing], option=orjson.OPT_SORT_KEYS
        )
        intrinsic = [{"type": "member_id", "value": uid}] if channel == "crm" else []
        return from_dict(
            {
                "event_id": f"import:{sha256(stated).hexdigest()}",
                "tenant": self._tenant,
                "contact": {"channel": channel, "account": account, "uid": uid},
                "type": draft.type,
                "occurred_at": self._at,
                "received_at": self._at,
                "source": SOURCE,
                "intrinsic": intrinsic,
                "data": draft.data,
            },
            check_text=False,  # rows whose texts or numbers can't be stored were refused
        )


def _profile(row: RowStatement, target: ImportTarget, contact: str) -> Iterator[_Draft]:
    if row.name and row.name not in target.names:
        yield _Draft("profile.updated", {"display_name": row.name}, contact)


def _tags(row: RowStatement, target: ImportTarget, contact: str, *, replace: bool) -> Iterator[_Draft]:
    """A row without tags takes none off, also where tags are replaced."""
    there = frozenset().union(*target.tags.values())
    for tag in row.tags:
        if tag not in there:
            yield _Draft("tag.added", {"tag": tag, "source": SOURCE}, contact, tag)
    if replace and row.tags:
        for holder, tags in sorted(target.tags.items()):
            for tag in sorted(tags.difference(row.tags)):
                yield _Draft("tag.removed", {"tag": tag, "source": SOURCE}, holder, f"{holder} {tag}")


def _attributes(stated: tuple[StatedAttribute, ...], target: ImportTarget, contact: str) -> Iterator[_Draft]:
    for one in stated:
        if one.key not in target.attributes or not _same(target.attributes[one.key], one.value):
            typed = {"type": one.type} if one.type is not None else {}
            yield _Draft("attribute.set", {"key": one.key, "value": one.value} | typed, contact, one.key)


def _same(stored: AttributeContent, stated: AttributeContent) -> bool:
    """Whether a file shows both alike: a CSV has texts only, and an attribute may have no definition."""
    return _shown(stored) == _shown(stated)


def _shown(value: AttributeContent) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _staff(row: RowStatement, target: ImportTarget, contact: str) -> Iterator[_Draft]:
    if row.staff is None or row.staff == target.staff:
        return
    member, branch = row.staff
    if member:
        yield _Draft("omo.bound", {"member": member, "branch": branch}, contact)
    else:
        yield _Draft("omo.unbound", {}, contact)
