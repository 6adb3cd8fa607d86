"""What a search is asked at: a moment, and the end of the quota at that moment (pure)."""

from typing import NamedTuple

QuotaPlace = tuple[int, str, str, str]


class QuotaEnd(NamedTuple):
    """The last contact within the quota, in the order in which contacts count."""

    subscribed_at: int
    channel: str
    account: str
    uid: str

    @property
    def place(self) -> QuotaPlace:
        """As `place_of` gives it."""
        account = f"{self.channel}:{self.account}"
        return (self.subscribed_at, self.channel, account, f"{account}:{self.uid}")


def place_of(subscribed_at: int, contact: str) -> QuotaPlace:
    """A contact's place in the order in which contacts count: its time, channel, account and key."""
    channel, account, _ = contact.split(":", 2)
    return (subscribed_at, channel, f"{channel}:{account}", contact)


class AskedAt(NamedTuple):
    """The moment ``now``, in ms, to which relative times refer; and the end of the quota, None while all are within."""

    now: int
    quota_end: QuotaEnd | None = None

    def over_quota(self, subscribed_at: int | None, contact: str, *, valid: bool) -> bool:
        """Whether a contact is valid and beyond the quota."""
        if self.quota_end is None or subscribed_at is None or not valid:
            return False
        return place_of(subscribed_at, contact) > self.quota_end.place
