"""What ingress needs from outside: a log to append to, the sources, and what the read models show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from projections.attributes.value_types import AttributeTypes
from projections.customers.search.filters import FilterNode
from projections.customers.search.rewriting import SegmentFilters
from projections.identity.resolution.policy import Policy
from schemas.events import Event
from schemas.topics import event_key
from services.control.source_activity import SourceOrigin
from services.ingress.core.statements import Receipt
from services.ingress.core.web import Site


class Record(NamedTuple):
    """A channel event that goes into the log, and its key and value where nothing is sealed.

    ``origin`` is None for an event that is about no account.
    """

    key: bytes
    value: bytes
    event: Event
    origin: SourceOrigin | None = None

    @classmethod
    def of(cls, event: Event, encoded: bytes) -> "Record":
        """The record of an event: one contact's events share a partition."""
        about = event.contact or event.account
        origin = None if about is None else SourceOrigin(event.tenant, event.source, about.channel, about.account)
        return cls(event_key(event.tenant, event.contact.key if event.contact else None), encoded, event, origin)


class LogUnavailable(Exception):
    """The log can't be reached, or did not acknowledge in time. The records may get into it all the same."""


class LogFull(LogUnavailable):
    """More waits for the log's acknowledgement than this process will keep in memory."""


class Log(Protocol):
    """The log of channel events."""

    async def append(self, records: Sequence[Record]) -> None:
        """Return when every replica that counts has all of them. Raises LogUnavailable: then repeat it."""


@dataclass(frozen=True, slots=True)
class WebhookSource:
    """A connected account (none: whichever its webhooks name), with the secrets that they may be signed with."""

    source: str
    tenant: str
    channel: str
    account: str | None
    provider: str | None
    secrets: tuple[bytes, ...]
    verify_token: bytes | None = None  # what Meta has to say when it first calls
    senders: Mapping[str, str] = field(default_factory=dict)  # Meta: app id -> what that app sends
    rate: float | None = None  # most requests a second; None: as for every other source


class Sources(Protocol):
    """The connected accounts."""

    async def find(self, source: str) -> WebhookSource | None:
        """The source of that name, unless it is disabled. Raises SourcesUnavailable."""


class Sites(Protocol):
    """The websites, by the write keys that stand in their pages."""

    async def find(self, write_key: str) -> Site | None:
        """The site whose key it is. Raises SourcesUnavailable."""


class SourcesUnavailable(Exception):
    """It can't be said just now whether there is such a source."""


class Visibility(Protocol):
    """What can be seen in the read models."""

    async def wait_until_visible(self, tenant: str, stated: Sequence[Receipt]) -> bool:
        """Wait until readers see all that was stated; False where that takes too long. Never raises."""


class SeenLogin(NamedTuple):
    """That a browser, by its contact key, was used by a member at a time in ms."""

    contact: str
    at: int
    member_id: str


class IdentityReads(Protocol):
    """What the read models know of a tenant's identity. It may be some seconds old, and never raises."""

    async def policy(self, tenant: str) -> Policy:
        """The policy that readers read by; the default one where that can't be known just now."""

    async def member_ids(self, tenant: str, contacts: Sequence[str]) -> list[str | None]:
        """The member id of each contact's customer; None where it has none, or where that can't be known just now."""

    async def known_members(self, tenant: str, ids: Sequence[str]) -> Mapping[str, str]:
        """Those of the ids that are members', each with the member id that it is read as.

        None of them where that can't be known just now.
        """


class AppUserReads(Protocol):
    """What the read models know of people whom Meta's app knows by an id of its own. It never raises."""

    async def app_user_contacts(self, tenant: str, app_user: str) -> list[str]:
        """The keys of the contacts whose data are those of a person that Meta's app knows by this id, for certain.

        None where nobody is, or where that can't be known just now.
        """


class AttributeReads(Protocol):
    """What the read models know of a tenant's attributes. It may be some seconds old, and never raises."""

    async def attribute_types(self, tenant: str) -> AttributeTypes:
        """The types of the keys that are defined; none where that can't be known just now."""


class SegmentReads(Protocol):
    """What the read models know of a tenant's segments. It never raises."""

    async def segments_in(self, tenant: str, node: FilterNode) -> SegmentFilters | None:
        """What the segments that a filter names ask for, and those within them; None where that can't be known now."""


class LoginReads(Protocol):
    """What the read models know of who was logged in on browsers. It may be some seconds old, and never raises."""

    async def overridden(self, tenant: str, logins: Sequence[SeenLogin]) -> list[SeenLogin]:
        """Those of the logins at whose time the browser is with another member; none where that can't be known now."""
