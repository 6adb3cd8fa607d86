"""Whether a message of some purpose may be sent to a contact, and every reason against it (pure).

Marketing needs a subscription, no opt-out of its kind, and a place within the quota. A conversation, the bot and a
welcome need none of these: whoever wrote is answered. They stop at a block, as all messages do.
"""

from collections.abc import Collection
from typing import Final, Literal, NamedTuple

from projections.consents.tables import ConsentRow
from projections.contacts.addresses import Address
from projections.contacts.records import ContactRecord
from projections.contacts.tables import ContactRow
from projections.quota.queries import QuotaPosition
from schemas.events.subscription import MARKETING_KINDS

SendPurpose = Literal["conversation", "broadcast", "cart_remarketing", "web_push", "bot", "welcome"]
SendRefusal = Literal["unknown", "erased", "superseded", "blocked", "not_subscribed", "opted_out", "over_quota"]


class Recipient(NamedTuple):
    """A contact with its address: the address's contacts, itself among them, and whether the contact was erased."""

    records: Collection[ContactRecord]
    address: Address
    erased: bool


def refusals(recipient: Recipient, purpose: SendPurpose, boundary: QuotaPosition | None) -> list[SendRefusal]:
    """Every reason against sending; none if it may be sent. ``boundary`` is the last contact within the quota."""
    rows = [record.contact for record in recipient.records]
    marketing = purpose in MARKETING_KINDS
    found: list[SendRefusal] = []
    if any(row.superseded_by is not None and row.superseded_by not in recipient.address.contacts for row in rows):
        found.append("superseded")
    if (status := _unreached(rows, erased=recipient.erased)) is not None and (marketing or status != "not_subscribed"):
        found.append(status)
    if marketing and _denied(recipient.address.consents, purpose):
        found.append("opted_out")
    if marketing and recipient.address.valid and boundary is not None and _place(rows) > boundary:
        found.append("over_quota")
    return found


def _unreached(rows: Collection[ContactRow], *, erased: bool) -> SendRefusal | None:
    """Why the channel does not reach the person; a subscription after the erasure makes it a contact again."""
    if any(row.subscribed for row in rows):
        return None
    if erased:
        return "erased"
    return "blocked" if any(row.subscribed is False for row in rows) else "not_subscribed"


def _denied(consents: Collection[ConsentRow], kind: str) -> bool:
    return any(one.kind == kind and not one.allowed for one in consents)


def _place(rows: Collection[ContactRow]) -> QuotaPosition:
    """The address's place in the order of subscription: that of its first contact."""
    return min(
        QuotaPosition(row.subscribed_at, row.channel, row.account, row.uid)
        for row in rows
        if row.subscribed_at is not None
    )


UNKNOWN: Final[list[SendRefusal]] = ["unknown"]
