"""The items of a Messenger or Instagram entry, each with its contact.

An item belongs to the contact or to the team. The brand is the side that ``entry[].id`` names, on an echo the sender.
An account is never its own contact. A person without an id of the channel (a ``user_ref``) is no contact yet. What the
console sends as a test is the account's, and nobody's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from services.ingress.core.drafts import (
    CONSOLE_ENTRY,
    ItemDraft,
    SourceContext,
    fields,
    hashed_id,
    identity,
    listed,
    own_id,
    unread,
)
from services.ingress.core.normalize import Fields, account_name, word
from services.ingress.core.times import millis_of, unread_time
from services.ingress.core.translated import EventContent

ENVELOPE: Final = frozenset({"sender", "recipient", "timestamp"})
_OF_AN_ENTRY: Final = frozenset({"id", "time", "object", "messaging", "standby", "changes", "field", "value"})
# Only people do these: the other side is the brand, though Instagram's page prints the person's id as the entry's.
_PERSONAL: Final = frozenset({"postback", "optin", "referral"})
INSTAGRAM_ID: Final = re.compile(r"17841[0-9]{12}")  # of a professional account
_CONSOLE_PAIR: Final = {"12334", "23245"}  # the sender and the recipient of the console's test messages
COMMENTS: Final = frozenset({"comments", "live_comments"})


@dataclass(frozen=True, slots=True)
class Turn:
    """The context of an item: its account, sender and recipient."""

    context: SourceContext
    channel: str
    account: str | None
    uid: str | None = None
    by_team: bool = False
    standby: bool = False
    sent_at: int | None = None

    @property
    def contact(self) -> Fields | None:
        """The contact that the item is about; None where it is nobody's, or on no known account."""
        known = self.uid is not None and self.account is not None
        return {"channel": self.channel, "account": self.account, "uid": self.uid} if known else None

    def draft(
        self, item: Fields, content: EventContent, name: Any, event_id: str | None = None, about: Any = None
    ) -> ItemDraft:
        """The item as a draft, under the channel's name for it; by the content's hash where it has no id of its own."""
        vouched = self.contact is not None and self.channel == "facebook"
        at = millis_of(item.get("timestamp"))
        hashed = {"name": name, "about": about, "item": item, "at": None if at else self.sent_at}
        return ItemDraft(
            event_id=event_id or hashed_id(self.channel, self.account, hashed),
            content=content,
            unread=unread(self.channel, name, item),
            at=at or self.sent_at,
            contact=self.contact,
            account={"channel": self.channel, "account": self.account} if self.account else None,
            intrinsic=({"type": "facebook_user", "value": f"{self.account}:{self.uid}"},) if vouched else (),
        )

    def own_id(self, *parts: Any) -> str | None:
        """The event id from the message's id and what distinguishes the events that share it."""
        return own_id(self.channel, *parts)

    def rest(self, item: Fields, *consumed: str) -> Fields:
        """The item's fields besides the envelope and those already read; and its sender, if that is no contact."""
        known = {"timestamp", *consumed} | (ENVELOPE if self.contact else set())
        rest = {key: value for key, value in item.items() if key not in known or _says_more(key, value)}
        return rest | unread_time(item) | ({"standby": True} if self.standby else {})


def _says_more(key: str, value: Any) -> bool:
    """Whether a side of an item, such as a sender, has more than its id."""
    return key in {"sender", "recipient"} and isinstance(value, dict) and value.keys() != {"id"}


def items_of(
    entry: Fields, changes: list[Any], channel: str, context: SourceContext
) -> Iterator[tuple[str, Any, Turn] | str]:
    """Every item of an entry with the field that it came in ("": the conversation); or the reason why it is none."""
    here = Turn(context, channel, account=identity(entry.get("id")), sent_at=millis_of(entry.get("time")))
    waiting = replace(here, standby=True)
    found = [("", item, here) for item in listed(entry.get("messaging"))]
    found += [("", item, waiting) for item in listed(entry.get("standby"))]
    found += [
        (field, item, waiting if standby else here) for change in changes for field, item, standby in _of_change(change)
    ]
    if "sender" in entry or "recipient" in entry:
        found.append(("", entry, replace(here, account=None)))
    rest = {key: value for key, value in entry.items() if key not in _OF_AN_ENTRY}
    if rest and not found:
        found.append(("entry", rest, here))
    for field, item, turn in found:
        yield _whose(field, item, turn) if isinstance(item, dict) else "not_an_object"
    if not found:
        yield "empty"


def _of_change(change: Any) -> Iterator[tuple[str, Any, bool]]:
    """An item of the conversation may also come as a change, with the same fields."""
    if not isinstance(change, dict):
        yield "", None, False
        return
    field, value = word(change.get("field")) or "change", change.get("value")
    for item in value if isinstance(value, list) and value else [value]:
        if isinstance(item, dict) and ("sender" in item or "recipient" in item):
            yield "", item, field == "standby"
        else:
            yield field, item if isinstance(item, dict) else {"value": item}, False


def _whose(field: str, item: Fields, turn: Turn) -> tuple[str, Fields, Turn] | str:
    sender, recipient = (identity(fields(item.get(side)).get("id")) for side in ("sender", "recipient"))
    echo = fields(item.get("message")).get("is_echo") is True
    configured, named = turn.context.account, turn.account
    if named == CONSOLE_ENTRY or {sender, recipient} == _CONSOLE_PAIR:
        return field, item, replace(turn, account=configured or account_name(named or recipient))
    if named is None or (turn.channel == "instagram" and named == sender and not echo and _misprinted(named, item)):
        named = sender if echo or (sender is not None and sender == configured) else recipient
    account = account_name(named) or configured
    if configured is not None and account != configured:
        return "other_account"
    by_team = echo or (sender is not None and sender == account)
    uid = recipient if by_team else sender
    if field in COMMENTS and turn.channel == "instagram":
        uid = identity(fields(item.get("from")).get("id"))
    if uid == account or _to_itself(item):
        uid = None
    return field, item, replace(turn, account=account, uid=uid, by_team=by_team)


def _to_itself(item: Fields) -> bool:
    """Whether an account of Instagram writes to itself or comments on its own post, by whichever of its two ids."""
    is_self = item.get("is_self") is True or fields(item.get("message")).get("is_self") is True
    return is_self or "self_ig_scoped_id" in fields(item.get("from"))


def _misprinted(named: str, item: Fields) -> bool:
    """Whether the person's id stands as the entry's: only people do such things, and no person has such an id."""
    return not _PERSONAL.isdisjoint(item) and not INSTAGRAM_ID.fullmatch(named)
