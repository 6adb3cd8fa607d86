"""The topics: name, record key, content, partitions, retention, writers and readers."""

from dataclasses import dataclass
from typing import Final

FOR_EVER: Final = -1
MEBIBYTE: Final = 1_048_576


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the settings that it is created with. ``retention_ms`` and ``largest_record`` are ms and bytes.

    ``per_generation`` says that each generation of the read models after the first has one of its own: what it holds
    was made by folding into that generation.
    """

    name: str
    key: str
    holds: str
    partitions: int
    retention_ms: int
    largest_record: int
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    per_generation: bool = False

    def full_name(self, prefix: str, suffix: str = "") -> str:
        """The name on the broker, e.g. ``onefold.channel-events``; ``suffix`` is the generation's."""
        own = f".{suffix}" if self.per_generation and suffix else ""
        return f"{prefix}.{self.name}{own}"


CHANNEL_EVENTS: Final = Topic(
    name="channel-events",
    key="tenant|contact key",
    holds="every canonical event; the source of truth",
    partitions=8,
    retention_ms=FOR_EVER,
    largest_record=MEBIBYTE,
    writers=("ingress",),
    readers=("worker",),
)
IDENTITY_EVIDENCE: Final = Topic(
    name="identity-evidence",
    key="tenant",
    holds="events that carry evidence of identity",
    partitions=8,
    retention_ms=FOR_EVER,
    largest_record=MEBIBYTE,
    writers=("worker",),
    readers=("worker",),
    per_generation=True,
)
CUSTOMER_CHANGES: Final = Topic(
    name="customer-changes",
    key="tenant|customer id",
    holds="customers created, linked, unlinked, merged, split, renamed, erased; thresholds of quotas that were crossed",
    partitions=8,
    retention_ms=FOR_EVER,
    largest_record=MEBIBYTE,
    writers=("worker",),
    readers=("query",),
    per_generation=True,
)
DEAD_LETTERS: Final = Topic(
    name="dead-letters",
    key="topic/partition/offset of the record",
    holds="records that are not events: the bytes as they came, the reason and their own key in the headers",
    partitions=1,
    retention_ms=FOR_EVER,
    largest_record=2 * MEBIBYTE,  # a record of any topic plus the reason
    writers=("worker",),
    readers=(),
)

TOPICS: Final = (CHANNEL_EVENTS, IDENTITY_EVIDENCE, CUSTOMER_CHANGES, DEAD_LETTERS)
WITHOUT_CHANGES: Final = (CHANNEL_EVENTS, IDENTITY_EVIDENCE, DEAD_LETTERS)  # of a generation that announces nothing


def event_key(tenant: str, contact_key: str | None) -> bytes:
    """The record key of a channel event: the events of one contact share a partition."""
    return f"{tenant}|{contact_key or ''}".encode()
