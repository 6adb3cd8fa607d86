"""The settings of a tenant, as events. They have no contact."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.events.base import Account, Frozen, Properties, SourceChannel, Text, Word
from schemas.events.envelope import Event
from schemas.events.profile import AttributeKey, AttributeType


class Quota(Frozen):
    """How many contacts (or customers) the plan allows."""

    limit: Annotated[int, Field(ge=0)]
    unit: Literal["contacts", "customers"] = "contacts"


class TenantQuotaSet(Event):
    """The plan's limit changed."""

    type: Literal["tenant.quota_set"]
    data: Quota


class DisplayNames(Frozen):
    """What the console calls an attribute or a segment, in Chinese and in English."""

    zh: Text | None = None
    en: Text | None = None


class AttributeDefinition(Frozen):
    """A custom attribute as the console offers it."""

    key: AttributeKey
    type: AttributeType
    display_name: Text | None = None
    names: DisplayNames | None = None
    description: Text | None = None
    archived: bool = False


class TenantAttributeDefined(Event):
    """A custom attribute was defined, renamed or archived."""

    type: Literal["tenant.attribute_defined"]
    data: AttributeDefinition


SegmentId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]


class SavedSegment(Frozen):
    """A saved filter of customers, whole: it takes the place of an earlier one of the same id.

    ``filter`` is the tree that searches take. A deleted segment may leave it out.
    """

    segment: SegmentId
    name: Word | None = None
    names: DisplayNames | None = None
    filter: Properties | None = None
    deleted: bool = False
    by: Word | None = None


class TenantSegmentSaved(Event):
    """A segment was saved, changed or deleted."""

    type: Literal["tenant.segment_saved"]
    data: SavedSegment


class IdentityPolicy(Frozen):
    """A policy for identity resolution, whole."""

    policy: Properties
    by: Word | None = None
    note: Text | None = None


class TenantPolicySet(Event):
    """The tenant resolves identities by this policy now."""

    type: Literal["tenant.policy_set"]
    data: IdentityPolicy


class ChannelConnection(Frozen):
    """A source of events and the account it speaks for; without one, the accounts that its webhooks name."""

    source: Word
    channel: SourceChannel
    account: Account | None = None
    name: Text | None = None
    provider: Word | None = None


class TenantChannelConnected(Event):
    """A channel's account was connected, or how it is connected was changed; secrets are never included."""

    type: Literal["tenant.channel_connected"]
    data: ChannelConnection


class ChannelDisconnection(Frozen):
    """A source that no longer accepts events, and why."""

    source: Word
    channel: SourceChannel
    account: Account | None = None
    reason: Literal["disabled", "removed"]


class TenantChannelDisconnected(Event):
    """A channel's account was disconnected, for now or for good."""

    type: Literal["tenant.channel_disconnected"]
    data: ChannelDisconnection


class DeletionRequest(Frozen):
    """A request to delete a person's data. ``subject`` is a keyed hash: equal for two requests of one person."""

    request_id: Word
    source: Word
    channel: SourceChannel
    subject: Word


class TenantDeletionRequested(Event):
    """A person asked the channel to have their data deleted; the control plane keeps the person's id, sealed."""

    type: Literal["tenant.deletion_requested"]
    data: DeletionRequest


EVENTS = (
    TenantQuotaSet,
    TenantAttributeDefined,
    TenantSegmentSaved,
    TenantPolicySet,
    TenantChannelConnected,
    TenantChannelDisconnected,
    TenantDeletionRequested,
)
