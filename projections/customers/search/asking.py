"""What a search is asked at: a moment, and the end of the quota at that moment (pure)."""

from typing import NamedTuple

from projections.contacts.addresses import Address
from projections.customers.folds import CustomerPlace

QuotaPlace = tuple[int, str, str, str]


class QuotaEnd(NamedTuple):
    """The last address within the quota, in the order in which addresses count."""

    subscribed_at: int
    channel: str
    account: str
    uid: str

    @property
    def place(self) -> QuotaPlace:
        """Its time, channel, account with its channel, and key: as rows of contacts have them."""
        account = f"{self.channel}:{self.account}"
        return (self.subscribed_at, self.channel, account, f"{account}:{self.uid}")


class AskedAt(NamedTuple):
    """The moment ``now``, in ms, to which relative times refer; and the end of the quota, None while all are within.

    ``customer_end`` is that of a quota of customers.
    """

    now: int
    quota_end: QuotaEnd | None = None
    customer_end: CustomerPlace | None = None

    def over_quota(self, address: Address, customer: CustomerPlace | None) -> bool:
        """Whether an address is valid and beyond the quota; ``customer`` is its customer's place."""
        place = address.place
        if place is None:
            return False
        if self.customer_end is not None:
            return customer is not None and customer > self.customer_end
        return self.quota_end is not None and place > self.quota_end
