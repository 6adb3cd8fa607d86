"""What the index takes in of a customer: its row and those of its contacts, as the composer wrote them (pure)."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class ContactToIndex(NamedTuple):
    """A contact as searches ask of it; times in ms."""

    customer_id: bytes
    channel: str
    account: str
    subscribed: bool | None
    subscribed_at: int | None
    valid: bool
    bound: str | None
    staff: str | None
    branch: str | None
    opted_out: Sequence[str]
    notified: Sequence[str]
    counted_at: int | None
    first_seen_at: int
    last_customer_at: int | None
    last_team_at: int | None
    last_marketing_at: int | None


class CustomerToIndex(NamedTuple):
    """A customer's row; ``terms`` and ``grams`` are arrays as PostgreSQL sends them, tags and attributes JSON."""

    customer_id: bytes
    contacts: int
    first_seen_at: int
    last_customer_at: int | None
    last_team_at: int | None
    last_marketing_at: int | None
    valid_since: int | None
    tags: str
    attributes: str
    terms: bytes
    grams: bytes


class Loaded(NamedTuple):
    """Customers, in the order of their ids, and their contacts, in the same order, those of one by their own ids.

    Of customers and contacts of which only times are others, the rows are the id of the customer and the latest times.
    """

    customers: Sequence[Any]
    contacts: Sequence[Any]
