"""Commands that make one member id another: each is an event of the tenant that occurs now.

Of one member id the latest merge counts. Without an ``Idempotency-Key``, a command that is sent again later is a new
event, which changes nothing if the first still counts.
"""

from typing import Any, Final, NamedTuple

from pydantic import Field

from projections.identity.resolution.policy import Policy
from schemas.events.base import Frozen, Word
from services.ingress.core.events import DEFAULT_SOURCE, Malformed, Rejected, RequestContext
from services.ingress.core.requests import Refused, TextOrNumber, read
from services.ingress.core.stated_values import StatedValue, warning_of
from services.ingress.core.statements import AcceptedItem, Envelope, EventDraft, stem, to_statement

_SAME: Final = "a member id can't become itself"


class MergeRequest(Frozen):
    """What a member id becomes."""

    into: TextOrNumber = Field(description="The member id that it is read as from now on.", examples=["N7"])
    by: Word | None = Field(None, description="Who says so.")


class MemberMergeEntry(Frozen):
    """A line of a list of merges; ``into`` null takes an earlier merge of the member id back."""

    member_id: TextOrNumber
    into: TextOrNumber | None
    by: Word | None = None


class MergeTerms(NamedTuple):
    """What all merges of a request have in common: its Idempotency-Key, and the policy that member ids are read by."""

    key: str | None
    policy: Policy


def validate_merge(member_id: str, body: Any, context: RequestContext, terms: MergeTerms) -> AcceptedItem | Rejected:
    """The event of a request to merge a member id, or why there is none; nothing is raised, whatever was parsed."""
    try:
        merge = read(MergeRequest, body, "a merge")
        return _merged(MemberMergeEntry(member_id=member_id.strip(), into=merge.into, by=merge.by), 0, context, terms)
    except Refused as refusal:
        return Rejected(0, refusal.reason, refusal.detail, refusal.field)


def validate_undo(
    member_id: str, by: str | None, context: RequestContext, terms: MergeTerms
) -> AcceptedItem | Rejected:
    """The event that takes a merge back, or why there is none."""
    try:
        return _merged(MemberMergeEntry(member_id=member_id.strip(), into=None, by=by), 0, context, terms)
    except Refused as refusal:
        return Rejected(0, refusal.reason, refusal.detail, refusal.field)


def validate_entry(value: Any, number: int, context: RequestContext, terms: MergeTerms) -> AcceptedItem | Rejected:
    """The event of a line of a list, or why there is none; nothing is raised, whatever was parsed."""
    if isinstance(value, Malformed):
        return Rejected(number, "malformed_line", value.detail)
    try:
        return _merged(read(MemberMergeEntry, value, "a line"), number, context, terms)
    except Refused as refusal:
        return Rejected(number, refusal.reason, refusal.detail, refusal.field)


def _merged(entry: MemberMergeEntry, place: int, context: RequestContext, terms: MergeTerms) -> AcceptedItem:
    _check(entry, terms.policy)
    once = ("received_at", context.received_at) if terms.key is None else ("key", terms.key)
    data = entry.model_dump(exclude_none=True)
    first = stem("merge", *once, data, place=place)
    envelope = Envelope(None, context.received_at, first, DEFAULT_SOURCE, [])
    return to_statement([EventDraft("member.merged", data, "")], envelope, place, context)


def _check(entry: MemberMergeEntry, policy: Policy) -> None:
    """Raises Refused where a side is no member id, or both are the same."""
    for field, value in (("member_id", entry.member_id), ("into", entry.into)):
        warning = None if value is None else warning_of(StatedValue(None, "member_id", value), policy)
        if warning is not None:
            raise Refused(warning.reason, warning.detail, field)
    if entry.into == entry.member_id:
        raise Refused("same_member", _SAME, "into")
