"""`onefold find`, `show`, `quota`, `may-send` and `segments`: the answers of the read API, for people."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.cli import app
from tests.support.contact_records import event
from tests.support.quota import quota
from tests.support.read_api import Brand
from tests.support.serving import served

BAR = "\N{FULL BLOCK}"
_TWO = [{"type": f"x_{name}", "value": name} for name in ("card", "cookie")]
HISTORY = [
    event("contact.followed", contact="line:oa1:U1"),
    event("profile.updated", 1, contact="line:oa1:U1", display_name="林小美"),
    event("tag.added", 2, contact="line:oa1:U1", tag="新品通知", source="x"),
    event("attribute.set", 3, contact="line:oa1:U1", key="size", value="M"),
    event("contact.followed", 4, contact="line:oa1:U2"),
    event("profile.updated", 5, contact="line:oa1:U2", display_name="王大明"),
    quota(1),
    event("identity.bound", 6, contact="line:oa1:U1", via="login", identifiers=_TWO),
]


@pytest.fixture
async def shop(brand: Brand) -> Brand:
    await brand.fold(*HISTORY)
    await brand.compose()
    return brand


async def run(brand: Brand, *args: str, key: str | None = "demo", stdin: str | None = None) -> Result:
    """The command beside the served API."""
    async with served(brand.app) as address:
        env = {"ONEFOLD_URL": f"http://{address}", "ONEFOLD_KEY": brand.keys[key] if key else ""}
        return await asyncio.to_thread(CliRunner(env=env).invoke, app, [*args], input=stdin)


async def test_customers_are_found_by_words_and_by_a_filter(shop: Brand, tmp_path: Path) -> None:
    found = await run(shop, "find", "小美")
    assert found.exit_code == 0, found.output
    assert "林小美" in found.stdout
    assert "王大明" not in found.stdout
    assert "1 found" in found.stderr
    filter_file = tmp_path / "filter.json"
    filter_file.write_text('{"tag": "新品通知"}', encoding="utf-8")
    for given in ('{"tag": "新品通知"}', str(filter_file)):
        found = await run(shop, "find", "--filter", given, "--sort", "name", "--json")
        assert [one["name"] for one in json.loads(found.stdout)["customers"]] == ["林小美"]
    both = await run(shop, "find", "王", "--filter", '{"tag": "新品通知"}', "--total")
    assert (both.stdout, "0 found" in both.stderr) == ("", True)


async def test_counts_say_if_they_are_behind(shop: Brand, tmp_path: Path) -> None:
    everybody = '{"contacts": {"gte": 1}}'
    counting = (
        ("find", "王"),
        ("export", str(tmp_path / "all.csv"), "--everybody", "--count"),
        ("bulk", "untag", "never", "--filter", everybody),
    )
    for behind in (False, True):
        if behind:
            await shop.connection.execute(
                "INSERT INTO touched (tenant, contacts, seen, customers, noted_at) "
                "VALUES ('demo', '{}', '{}', '{}', now() - interval '1 hour')"
            )
        for command in counting:
            assert ("Some changes are not in these numbers yet" in (await run(shop, *command)).stderr) is behind


async def test_a_profile_says_where_each_value_came_from(shop: Brand) -> None:
    shown = await run(shop, "show", "contact:line:oa1:U1")
    assert shown.exit_code == 0, shown.output
    for part in ("林小美", "新品通知", "size", "line:oa1:U1", "subscribed since 2024-12-31 16:00 UTC"):
        assert part in shown.stdout
    assert shown.stdout.count("login 2024-12-31") == 1
    as_json = await run(shop, "show", "contact:line:oa1:U1", "--json")
    assert json.loads(as_json.stdout) == await shop.json("/v1/customers/contact:line:oa1:U1")


async def test_quota_and_who_may_be_sent_to_are_shown(shop: Brand) -> None:
    shown = await run(shop, "quota")
    assert "1 contacts" in shown.stdout
    assert "2 (200.0%)" in shown.stdout
    days = [line.split() for line in shown.stdout.partition("At the end of each day")[2].splitlines()[2:]]
    assert len(days) == 30
    assert days[0][1:] == ["2", BAR * 30]
    assert (await run(shop, "may-send", "line:oa1:U1")).exit_code == 0
    both = await run(shop, "may-send", "line:oa1:U1", "line:oa1:U2", "line:oa1:U3", "--purpose", "broadcast")
    assert both.exit_code == 3
    answers = [line.split() for line in both.stdout.splitlines()[1:]]
    assert answers == [["line:oa1:U1", "yes"], ["line:oa1:U2", "no", "over_quota"], ["line:oa1:U3", "no", "unknown"]]


async def test_a_file_is_asked_about_in_its_order_with_progress(shop: Brand) -> None:
    names = [f"line:oa1:U{number}" for number in range(1, 1502)]
    asked = await run(shop, "may-send", "--file", "-", "--json", stdin="\n".join(names))
    assert [json.loads(line)["contact"] for line in asked.stdout.splitlines()] == names
    assert "1,000 asked about, 1 may be sent to" in asked.stderr
    assert "1,501 asked about" in asked.stderr


async def test_segments_are_listed(shop: Brand) -> None:
    listed = await run(shop, "segments")
    assert (listed.exit_code, "There are no segments" in listed.stderr) == (0, True)


@pytest.mark.parametrize(
    ("args", "key", "advice"),
    [
        (("find", "x"), None, "onefold keys add TENANT --scope customers:read"),
        (("find", "x"), "writer", "--scope customers:read"),
        (("show", "contact:line:oa1:U9"), "demo", "onefold:"),
        (("find", "--filter", '{"segment": "none"}'), "demo", "there is no segment 'none'"),
        (("find", "--filter", '{"tagged": "vip"}'), "demo", "filter"),
    ],
)
async def test_a_refusal_says_why_and_what_to_do_next(
    shop: Brand, args: tuple[str, ...], key: str | None, advice: str
) -> None:
    refused = await run(shop, *args, key=key)
    assert refused.exit_code == 1
    assert advice in refused.stderr
    assert not refused.stdout


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (["find"], {}),
        (["find", "--filter", "{"], {}),
        (["find", "--filter", "/no/such/file"], {}),
        (["may-send"], {}),
        (["may-send", "line:oa1:U1", "--file", "-"], {}),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_asked(args: list[str], env: dict[str, Any]) -> None:
    assert CliRunner(env=env | {"ONEFOLD_KEY": "k"}).invoke(app, args).exit_code == 2


def test_where_nothing_answers_the_command_says_how_to_start_it() -> None:
    env = {"ONEFOLD_URL": "http://127.0.0.1:1", "ONEFOLD_KEY": "k"}
    refused = CliRunner(env=env).invoke(app, ["quota"])
    assert (refused.exit_code, "onefold up" in refused.stderr) == (1, True)
