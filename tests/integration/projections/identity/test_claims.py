"""A browser that claims without end costs the next claim no more (docs/identity-resolution.md#bounds)."""

from random import Random
from typing import Any

import pytest

from projections.identity.reference import resolve_log
from projections.identity.resolution.policy import Policy
from schemas.events import Event
from tests.support.histories import cut
from tests.support.identity import Identity
from tests.support.identity_events import bound, unbound
from tests.support.streams import content, id_of, policies_for


def claims(first: int, last: int) -> list[Event]:
    return [
        bound("web:shop:c1", assurance="claimed", at=number, email=f"a{number}@example.tw")
        for number in range(first, last)
    ]


async def rows_read(identity: Identity, monkeypatch: pytest.MonkeyPatch, *events: Event) -> int:
    """How many rows are read while the events are saved."""
    fetch, number = type(identity.connection).fetch, 0

    async def counted(self: Any, *args: Any, **options: Any) -> Any:
        nonlocal number
        found = await fetch(self, *args, **options)
        number += len(found)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(type(identity.connection), "fetch", counted)
        await identity.save(*events)
    return number


async def test_one_more_claim_reads_no_more_after_600_claims(
    identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    await identity.save(*claims(0, 150))
    early = await rows_read(identity, monkeypatch, *claims(150, 151))
    await identity.save(*claims(151, 600))
    late = await rows_read(identity, monkeypatch, *claims(600, 601))
    assert late <= early + 1
    assert late < 1000


async def test_what_is_claimed_beyond_the_limit_counts_again_when_later_claims_are_taken_back(
    identity: Identity,
) -> None:
    chance = Random(3)
    events = [*claims(0, 130), *(unbound("web:shop:c1", at=500, email=f"a{n}@example.tw") for n in range(60, 130, 2))]
    for chunk in cut(events, chance):
        await identity.save(*chunk)
    reference = resolve_log(events, policies_for(["demo"], Policy()), id_of)
    assert content(await identity.tables()) == content(reference)
