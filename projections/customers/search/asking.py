"""What a search is asked at: a moment, and the end of the quota at that moment (pure)."""

from typing import NamedTuple


class QuotaEnd(NamedTuple):
    """The last contact within the quota, in the order in which contacts count: by (subscribed_at, contact key)."""

    subscribed_at: int
    contact: str


class AskedAt(NamedTuple):
    """The moment ``now``, in ms, to which relative times refer; and the end of the quota, None while all are within."""

    now: int
    quota_end: QuotaEnd | None = None

    def over_quota(self, subscribed_at: int | None, contact: str, *, valid: bool) -> bool:
        """Whether a contact is valid and beyond the quota."""
        if self.quota_end is None or subscribed_at is None or not valid:
            return False
        return (subscribed_at, contact) > self.quota_end
