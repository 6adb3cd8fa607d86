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
from projections.customers.folds import CustomerPlace
from projections.quota.queries import QuotaBoundary
from schemas.events.subscription import MARKETING_KINDS

SendPurpose = Literal["conversation", "broadcast", "cart_remarketing", "web_push", "bot", "welcome"]
SendRefusal = Literal["unknown", "erased", "superseded", "blocked", "not_subscribed", "opted_out", "over_quota"]


class Recipient(NamedTuple):
    """A contact with its address: the address's contacts, itself among them, and whether the contact was erased.

    ``customer`` is its customer's place where the quota counts customers.
    """

    records: Collection[ContactRecord]
    address: Address
    erased: bool
    customer: CustomerPlace | None = None


def refusals(recipient: Recipient, purpose: SendPurpose, boundary: QuotaBoundary) -> list[SendRefusal]:
    """Every reason against sending; none if it may be sent."""
    rows = [record.contact for record in recipient.records]
    marketing = purpose in MARKETING_KINDS
    found: list[SendRefusal] = []
    if any(row.superseded_by is not None and row.superseded_by not in recipient.address.contacts for row in rows):
        found.append("superseded")
    if (status := _unreached(rows, erased=recipient.erased)) is not None and (marketing or status != "not_subscribed"):
        found.append(status)
    if marketing and _denied(recipient.address.consents, purpose):
        found.append("opted_out")
    if marketing and _is_over(recipient, boundary):
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


def _is_over(recipient: Recipient, boundary: QuotaBoundary) -> bool:
    place = recipient.address.place
    if place is None:
        return False
    if boundary.customer is not None:
        return recipient.customer is not None and recipient.customer > boundary.customer
    return boundary.address is not None and place > boundary.address


UNKNOWN: Final[list[SendRefusal]] = ["unknown"]
ERASED: Final[list[SendRefusal]] = ["erased"]  # and nothing is known of it since
