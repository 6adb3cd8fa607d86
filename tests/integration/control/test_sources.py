import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from services.control.errors import ControlError, InvalidName, NameTaken, TooBusy, UnknownSource, UnknownTenant
from services.control.source_options import SourceOptions
from services.control.sources import (
    Source,
    add_source,
    change_source,
    get_source,
    list_sources,
    own_source,
    remove_source,
)


async def _add(engine: AsyncEngine, **changes: Any) -> None:
    facts: dict[str, Any] = {
        "source": "oa1",
        "tenant": "acme",
        "channel": "line",
        "account": "@acme",
        "sealed_secrets": [b"\x00x"],
    }
    facts |= changes
    await add_source(engine, facts.pop("source"), **facts)


async def test_a_source_is_stored_as_it_was_added(engine: AsyncEngine) -> None:
    options = SourceOptions(name="王 \U0001f600", senders={"42": "broadcast"}, rate=0.5)
    await _add(engine, provider="p1", sealed_verify_token=b"\xff", options=options)
    source = await own_source(engine, "oa1", "acme")
    assert (source.tenant, source.channel, source.account, source.provider) == ("acme", "line", "@acme", "p1")
    assert (source.sealed_secrets, source.sealed_verify_token) == ((b"\x00x",), b"\xff")
    assert source.options == options
    assert await list_sources(engine, "acme") == [source]
    assert await list_sources(engine, "other") == []
    assert await get_source(engine, "oa2") is None
    with pytest.raises(UnknownSource):
        await own_source(engine, "oa1", "other")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, NameTaken),
        ({"source": "oa2", "tenant": "nobody"}, UnknownTenant),
        ({"source": "oa/2"}, InvalidName),
        ({"source": "oa2", "account": "a:b"}, InvalidName),
        ({"source": "oa2", "channel": "telegram"}, InvalidName),
    ],
)
async def test_an_invalid_source_is_refused(
    engine: AsyncEngine, changes: dict[str, Any], error: type[ControlError]
) -> None:
    await _add(engine)
    with pytest.raises(error):
        await _add(engine, **changes)


async def test_concurrent_changes_are_all_applied(engine: AsyncEngine) -> None:
    await _add(engine)

    def append(number: int) -> Any:
        return lambda source: replace(source, sealed_secrets=(*source.sealed_secrets, b"%d" % number))

    await asyncio.gather(*(change_source(engine, "oa1", "acme", append(number)) for number in range(4)))
    source = await own_source(engine, "oa1", None)
    assert set(source.sealed_secrets) == {b"\x00x", b"0", b"1", b"2", b"3"}


async def test_a_change_that_changes_nothing_leaves_the_time_of_the_last_change(engine: AsyncEngine) -> None:
    await _add(engine)
    before = await own_source(engine, "oa1", None)
    assert await change_source(engine, "oa1", None, lambda source: source) == before
    assert await own_source(engine, "oa1", None) == before


async def test_a_source_that_was_changed_meanwhile_is_not_removed(engine: AsyncEngine) -> None:
    await _add(engine)
    before: Source = await own_source(engine, "oa1", None)
    after = await change_source(engine, "oa1", None, lambda source: replace(source, account="other"))
    assert after.changed_at > before.changed_at
    with pytest.raises(TooBusy):
        await remove_source(engine, before)
    await remove_source(engine, after)
    assert await get_source(engine, "oa1") is None
