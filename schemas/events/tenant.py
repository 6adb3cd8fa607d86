"""A brand's own settings, said as events. They have no contact."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.events.base import Account, Channel, Frozen, Properties, Text, Word
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


class AttributeDefinition(Frozen):
    """A custom attribute as the console offers it."""

    key: AttributeKey
    type: AttributeType
    display_name: Text | None = None
    description: Text | None = None
    archived: bool = False


class TenantAttributeDefined(Event):
    """A custom attribute was defined, renamed or archived."""

    type: Literal["tenant.attribute_defined"]
    data: AttributeDefinition


class IdentityPolicy(Frozen):
    """A policy for identity resolution, whole."""

    policy: Properties
    by: Word | None = None
    note: Text | None = None


class TenantPolicySet(Event):
    """The tenant resolves identities by this policy now."""

    type: Literal["tenant.policy_set"]
    data: IdentityPolicy


class Connection(Frozen):
    """A source of events and the account it speaks for."""

    source: Word
    channel: Channel
    account: Account
    name: Text | None = None
    provider: Word | None = None


class TenantChannelConnected(Event):
    """A channel's account was connected."""

    type: Literal["tenant.channel_connected"]
    data: Connection


EVENTS = (TenantQuotaSet, TenantAttributeDefined, TenantPolicySet, TenantChannelConnected)
