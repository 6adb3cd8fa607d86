"""``onefold members``: merges from the command line are in the log."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli import app
from tests.support.ingress import MASTER, RunningIngress

Members = Callable[..., Awaitable[str]]


@pytest.fixture
def members(ingress: RunningIngress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Members:
    """Runs a command of a shell beside the service, and fails unless it ends with the status; what it printed."""
    settings = ingress.settings
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONEFOLD_KAFKA", settings.kafka_servers)
    monkeypatch.setenv("ONEFOLD_DATABASE", settings.database_url)
    monkeypatch.setenv("ONEFOLD_TOPIC_PREFIX", settings.topic_prefix)
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", MASTER)

    async def run(*arguments: str, status: int = 0) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["members", *arguments])
        assert result.exit_code == status, result.output
        return result.output

    return run


async def merged(ingress: RunningIngress) -> list[tuple[str, str | None, str | None]]:
    data = [event.model_dump()["data"] for _, event in await ingress.log() if event.type == "member.merged"]
    return [(one["member_id"], one["into"], one["by"]) for one in data]


async def test_a_member_id_is_merged_and_taken_back(ingress: RunningIngress, members: Members) -> None:
    assert "1 in the log, 0 refused" in await members("merge", "M7", "N7", "--tenant", "acme", "--by", "amy")
    await members("unmerge", "M7", "--tenant", "acme")
    assert await merged(ingress) == [("M7", "N7", "amy"), ("M7", None, None)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pairs.csv", "member_id,into\nM7,N7\nguest,N8\nM9,N9\n"),
        (
            "pairs.ndjson",
            '{"member_id":"M7","into":"N7"}\n\n{"member_id":"guest","into":"N8"}\n{"member_id":"M9","into":"N9"}',
        ),
    ],
)
async def test_a_list_is_merged_and_its_refused_lines_are_printed(
    ingress: RunningIngress, members: Members, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    printed = await members("merge", "--file", name, "--tenant", "acme", status=1)
    assert "2 in the log, 1 refused" in printed
    assert "3" in printed
    assert "the member id guest is on the block list" in printed
    assert await merged(ingress) == [("M7", "N7", None), ("M9", "N9", None)]


async def test_a_command_that_says_nothing_merges_nothing(
    ingress: RunningIngress, members: Members, tmp_path: Path
) -> None:
    (tmp_path / "wrong.csv").write_text("old,new\nM7,N7\n")
    tenant = ("--tenant", "acme")
    assert "give OLD and INTO" in await members("merge", "M7", *tenant, status=1)
    assert "give OLD and INTO" in await members("merge", "M7", "N7", "--file", "wrong.csv", *tenant, status=1)
    assert "this is no list of merges" in await members("merge", "--file", "wrong.csv", *tenant, status=1)
    assert "can't become itself" in await members("merge", "M7", "M7", *tenant, status=1)
    assert "no tenant 'nobody'" in await members("merge", "M7", "N7", "--tenant", "nobody", status=1)
    assert await merged(ingress) == []
