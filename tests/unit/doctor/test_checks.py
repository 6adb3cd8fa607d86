"""Each check finds what it is for, and says what to do about it."""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from projections.engine.generation_records import Generation
from schemas.topics import TOPICS
from services.doctor.cluster import TopicFacts
from services.doctor.finding import CheckResult
from services.doctor.folder_checks import check_folder
from services.doctor.kafka_checks import check_topics, wanted_topics
from services.doctor.postgres_checks import check_server
from services.doctor.progress_checks import (
    LogState,
    check_customer_rows,
    check_dates,
    check_log,
    check_outbox,
    check_progress,
)
from services.doctor.queries import ServerFacts
from services.doctor.settings_checks import check_settings
from services.runtime.settings import Settings
from services.vault.master_keys import new_master_key

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOUND = ServerFacts(
    version=160_001,
    version_text="16.1",
    encoding="UTF8",
    fsync="on",
    full_page_writes="on",
    synchronous_commit="on",
    most_connections=100,
    connections=10,
    may_create=True,
    size=1,
    oldest_transaction=1.0,
    collation_changed=False,
    now=NOW,
)
SET = Settings(
    kafka="k:9092",
    database="postgresql://onefold@d/onefold",
    secret_key=SecretStr("a secret of 32 characters, or so"),
    public_url="https://hooks.example.com",
    connections=16,
)
WANTED = wanted_topics([Generation("g1", "", "")], "onefold")
EVENTS = "onefold.channel-events"
TOPIC = TopicFacts(
    partitions=8,
    replicas=3,
    behind=0,
    leaderless=0,
    config={
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
        "max.message.bytes": "2097152",
        "min.insync.replicas": "2",
    },
)


def problems(results: Iterable[CheckResult]) -> dict[str, str]:
    """The state of each check that is not as it should be; all of these say what to do."""
    found = [one for one in results if one.state != "ok"]
    assert all(one.advice for one in found)
    return {one.check: one.state for one in found}


def server(**changes: Any) -> Iterator[CheckResult]:
    return check_server(SOUND._replace(**changes), NOW, NOW)


def topics(folded: dict[tuple[str, int], int] | None = None, **changes: Any) -> Iterator[CheckResult]:
    known = dict.fromkeys(WANTED, TOPIC) | {EVENTS: replace(TOPIC, **changes)}
    return check_topics(WANTED, known, folded or {})


def configured(**config: str) -> dict[str, Any]:
    return {"config": {**TOPIC.config, **{name.replace("_", "."): value for name, value in config.items()}}}


def test_what_is_sound_has_no_problem(tmp_path: Path) -> None:
    file = tmp_path / "master.keys"
    file.write_text(new_master_key())
    sound = SET.model_copy(update={"master_key_file": file})
    assert problems([*check_settings(sound, {"ONEFOLD_KAFKA": "", "HOME": ""}), *server(), *topics()]) == {}
    assert len(WANTED) == len(TOPICS)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"version": 150_004}, {"version": "failed"}),
        ({"encoding": "SQL_ASCII"}, {"encoding": "failed"}),
        ({"may_create": False}, {"permissions": "failed"}),
        ({"fsync": "off"}, {"durability": "warning"}),
        ({"connections": 90}, {"connections": "warning"}),
        ({"oldest_transaction": 7200.0}, {"transactions": "warning"}),
        ({"collation_changed": True}, {"collation": "warning"}),
        ({"now": NOW + timedelta(seconds=9)}, {"clock": "warning"}),
        ({"now": NOW - timedelta(seconds=9)}, {"clock": "warning"}),
    ],
)
def test_a_problem_of_the_server_is_found(changes: dict[str, Any], found: dict[str, str]) -> None:
    assert problems(server(**changes)) == found


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"leaderless": 1}, "failed"),
        ({"behind": 2}, "warning"),
        (configured(retention_ms="604800000"), "failed"),
        (configured(retention_bytes="1000000"), "failed"),
        (configured(cleanup_policy="compact,delete"), "failed"),
        (configured(max_message_bytes="1000"), "failed"),
        (configured(min_insync_replicas="1"), "warning"),
        (configured(min_insync_replicas="3"), "warning"),
    ],
)
def test_a_problem_of_a_topic_is_found(changes: dict[str, Any], state: str) -> None:
    assert problems(topics(**changes)) == {EVENTS: state}


def test_a_topic_that_is_missing_or_smaller_than_it_was_is_found() -> None:
    assert problems(check_topics(WANTED, {}, {})) == dict.fromkeys(WANTED, "failed")
    assert problems(topics({(EVENTS, 7): 5})) == {}
    assert problems(topics({(EVENTS, 8): 5})) == {EVENTS: "failed"}


def test_settings_that_are_missing_short_or_misspelt_are_found() -> None:
    bare = SET.model_copy(update={"kafka": None, "database": None, "secret_key": None, "public_url": None})
    assert problems(check_settings(bare, {})) == {
        "ONEFOLD_KAFKA": "failed",
        "ONEFOLD_DATABASE": "failed",
        "ONEFOLD_SECRET_KEY": "failed",
        "ONEFOLD_MASTER_KEY_FILE": "warning",
        "ONEFOLD_PUBLIC_URL": "warning",
    }
    weak = SET.model_copy(update={"secret_key": SecretStr("short"), "public_url": "http://a"})
    assert problems(check_settings(weak, {"ONEFOLD_KAFFA": "k"})) == {
        "ONEFOLD_SECRET_KEY": "warning",
        "ONEFOLD_MASTER_KEY_FILE": "warning",
        "ONEFOLD_PUBLIC_URL": "warning",
        "names": "warning",
    }
    assert "short" not in str(list(check_settings(weak, {})))
    many = SET.model_copy(update={"connections": 10_000_000, "master_key_file": Path("/nowhere")})
    assert problems(check_settings(many, {})) == {"ONEFOLD_MASTER_KEY_FILE": "failed", "open files": "warning"}


def test_a_folder_that_this_user_may_not_look_at_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "is_dir", refused)
    (one,) = check_folder(tmp_path)
    assert (one.state, "may not read" in one.found) == ("unknown", True)


def test_a_folder_that_others_can_read_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert list(check_folder(folder)) == []
    folder.mkdir(mode=0o700)
    key = folder / "secret.key"
    key.touch(mode=0o600)
    assert "access" not in problems(check_folder(folder))
    key.chmod(0o640)
    assert problems(check_folder(folder))["access"] == "failed"
    key.chmod(0o600)
    folder.chmod(0o755)
    assert problems(check_folder(folder))["access"] == "failed"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755, "it changes nothing"


PLACE = (EVENTS, 0)


@pytest.mark.parametrize(
    ("at", "first", "end", "found"),
    [(5, 0, 9, {}), (5, 5, 5, {}), (5, 0, 4, {"log": "failed"}), (5, 6, 9, {"log": "failed"})],
)
def test_a_log_that_lost_records_is_found(at: int, first: int, end: int, found: dict[str, str]) -> None:
    assert problems(check_log(LogState({PLACE: at}, {PLACE: (first, end)}))) == found


@pytest.mark.parametrize(("then", "state"), [(5, "failed"), (6, "ok"), (9, "ok")])
async def test_a_log_that_is_not_folded_is_found(then: int, state: str) -> None:
    async def look() -> LogState:
        return LogState({PLACE: then}, {PLACE: (0, 9)})

    result = await check_progress(LogState({PLACE: 5}, {PLACE: (0, 9)}), look, after=0.01)
    assert result.state == state


async def test_a_log_that_is_folded_needs_no_second_look() -> None:
    async def look() -> LogState:
        raise AssertionError

    assert (await check_progress(LogState({PLACE: 9}, {PLACE: (0, 9)}), look)).state == "ok"


def test_changes_that_wait_and_dates_ahead_are_found() -> None:
    assert problems([check_outbox(5, 1.0), check_customer_rows(5, 1.0), check_dates([])]) == {}
    assert problems([check_outbox(5, 100.0), check_customer_rows(5, 100.0), check_dates([PLACE])]) == {
        "customer changes": "failed",
        "customer rows": "failed",
        "clocks": "warning",
    }
