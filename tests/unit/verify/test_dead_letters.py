"""Whose workers have refused a record."""

from typing import Any, NamedTuple

import pytest

from services.runtime.settings import Settings
from services.verify.dead_letters import LetterFilter, RecordPlace, RefusedRecord, each_once
from services.verify.log_reader import LogReader

REASON = "cannot_be_saved"


class Letter(NamedTuple):
    headers: list[tuple[str, bytes]]
    timestamp: int = 0
    value: bytes = b"{}"


def letter(generation: str | None) -> Letter:
    texts = {"topic": "log", "partition": "0", "offset": "7", "reason": REASON, "detail": "", "field": ""}
    named = texts if generation is None else texts | {"generation": generation}
    return Letter([(name, text.encode()) for name, text in named.items()])


@pytest.mark.parametrize(
    ("senders", "refused", "taken"),
    [
        (["g1"], {"g1"}, {"g2"}),
        (["g1", "g1", "g3"], {"g1", "g3"}, {"g2"}),
        ([None], {"g1", "g2"}, set()),
        (["g1", None], {"g1", "g2"}, set()),
        ([None, "g1"], {"g1", "g2"}, set()),
    ],
)
async def test_a_record_is_set_aside_only_in_generations_whose_workers_have_refused_it(
    monkeypatch: pytest.MonkeyPatch, senders: list[str | None], refused: set[str], taken: set[str]
) -> None:
    """Letters of former versions do not name the generation: they count for all."""

    async def records(*_: Any, **__: Any) -> Any:
        yield 0, [letter(sender) for sender in senders]

    monkeypatch.setattr(LogReader, "records", records)
    [found] = await each_once(Settings(kafka="127.0.0.1:1"), LetterFilter(REASON))
    assert found.times == len(senders)
    assert all(found.refused_in(generation) for generation in refused)
    assert not any(found.refused_in(generation) for generation in taken)


@pytest.mark.parametrize(
    ("topic", "key", "tenant"),
    [
        ("onefold.channel-events", b"acme|line:oa1:U1", "acme"),
        ("onefold.channel-events", b"acme", ""),
        ("onefold.identity-evidence", b"acme", "acme"),
        ("onefold.identity-evidence.g2", b"acme", "acme"),
        ("onefold.identity-evidence", None, ""),
    ],
)
def test_a_dead_letter_is_the_tenants_by_the_key_that_its_topic_has(topic: str, key: bytes | None, tenant: str) -> None:
    letter = RefusedRecord(RecordPlace(topic, 0, 7), REASON, "", "", 0, 1, key, None)
    assert letter.tenant == tenant
