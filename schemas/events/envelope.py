"""The one envelope. ``Event`` is the base of every event class and the shape of an unknown type."""

from pydantic import Field, SerializeAsAny

from schemas.events.base import (
    Account,
    ChannelName,
    Frozen,
    Identifier,
    Millis,
    Properties,
    Stamp,
    TenantId,
    Word,
)


class ContactRef(Frozen):
    """One person on one account: ``(channel, account, uid)``."""

    channel: ChannelName
    account: Account
    uid: Word

    @property
    def key(self) -> str:
        """The contact key, ``channel:account:uid``. An account holds no colon, so it parses back."""
        return f"{self.channel}:{self.account}:{self.uid}"


class AccountRef(Frozen):
    """The brand's side of a channel: a Page, a number, a LINE account, a WhatsApp Business Account."""

    channel: ChannelName
    account: Account

    @property
    def key(self) -> str:
        """The account key, ``channel:account``."""
        return f"{self.channel}:{self.account}"


class Event(Frozen):
    """What happened, to which contact, when, and by which source.

    ``account`` is the account that an event without a contact is about; of others the contact names it.

    ``occurred_at`` is the channel's time, ``received_at`` the time of ingress; both in ms, UTC.
    ``event_id`` comes from the source's own id, so that a repeated event is recognised.
    A subclass narrows ``type`` and ``data``; an event of an unknown type is an instance of ``Event`` itself.
    """

    event_id: Word
    tenant: TenantId
    contact: ContactRef | None = None
    account: AccountRef | None = None
    type: Word
    occurred_at: Millis
    received_at: Millis
    source: Word
    schema_version: int = Field(default=1, ge=1, le=1_000_000)
    intrinsic: list[Identifier] = Field(default_factory=list)
    data: SerializeAsAny[Frozen] | Properties = Field(default_factory=dict)

    @property
    def stamp(self) -> Stamp:
        """``(occurred_at, event_id)``, the order of last-writer-wins."""
        return (self.occurred_at, self.event_id)
