"""The event that describes a source as it is stored. No event contains a secret."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.events import Event
from schemas.events.tenant import (
    ChannelConnection,
    ChannelDisconnection,
    TenantChannelConnected,
    TenantChannelDisconnected,
)
from services.control.sources import Source

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def source_event(source: Source, *, removed: bool = False) -> Event:
    """The event of a source as it is stored.

    Its id is made of the source's name and the time of its last change, so publishing it again gives the same event.
    """
    micros = (source.changed_at - _EPOCH) // timedelta(microseconds=1)
    envelope: dict[str, Any] = {
        "event_id": f"source:{source.source}:{micros}{':removed' if removed else ''}",
        "tenant": source.tenant,
        "occurred_at": micros // 1000,
        "received_at": max(time.time_ns() // 1_000_000, micros // 1000),
        "source": "control",
    }
    facts: dict[str, Any] = {"source": source.source, "channel": source.channel, "account": source.account}
    if removed or source.disabled_at:
        gone = ChannelDisconnection(**facts, reason="removed" if removed else "disabled")
        return TenantChannelDisconnected(**envelope, type="tenant.channel_disconnected", data=gone)
    data = ChannelConnection(**facts, name=source.options.name, provider=source.provider)
    return TenantChannelConnected(**envelope, type="tenant.channel_connected", data=data)
