"""``onefold resolve`` from a file to what it prints."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from projections.engine.ids import personal_id
from schemas.codec import encode
from schemas.events import Event
from services.dryrun.commands import resolve
from services.runtime.secrets import tenant_id_key
from tests.support.identity_events import T0, bound, decided, erased, event, merged, seen

A, B, C = (f"web:shop:{letter}" for letter in "abc")
LINE, CRM = "line:oa1:U1", "crm:erp:1"
PHONE = "+886911111111"
SHARED = (
    bound(A, member_id="M7", phone=PHONE, at=1),
    bound(B, member_id="M8", phone=PHONE, at=2),
    bound(C, member_id="M8", at=3),
)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEFOLD_SECRET_KEY", "a key of the tests")


def run(tmp_path: Path, *events: Event | str, options: tuple[str, ...] = ("--json",)) -> Result:
    lines = [one.encode() if isinstance(one, str) else encode(one) for one in events]
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(lines))
    return invoke(str(tmp_path / "events.jsonl"), *options)


def invoke(*arguments: str, stdin: bytes | None = None) -> Result:
    app = typer.Typer()
    app.command()(resolve)
    return CliRunner().invoke(app, [*arguments], input=stdin, env={"COLUMNS": "80"})


def found(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def customer(founder: str, *others: str, unseen: tuple[str, ...] = (), member: str | None = None) -> dict[str, Any]:
    return {
        "tenant": "demo",
        "id": str(personal_id(tenant_id_key("a key of the tests", "demo"), founder)),
        "founder": founder,
        "contacts": sorted([founder, *others]),
        "unseen": [*unseen],
        "member_id": member,
        "member_ids": [member] if member else [],
    }


def refused(node: tuple[str, str], type_name: str, value: Any, tier: int, reason: str) -> dict[str, Any]:
    return {
        "tenant": "demo",
        "contact": node[0],
        "session": node[1],
        "type": type_name,
        "value": value,
        "tier": tier,
        "reason": reason,
    }


def test_json_has_customers_by_founder_and_refused_links_with_their_sessions(tmp_path: Path) -> None:
    assert found(run(tmp_path, *SHARED)) == {
        "customers": [customer(A, member="M7"), customer(B, C, member="M8")],
        "refused": [
            refused((A, "M7"), "phone", PHONE, 2, "shared"),
            refused((B, "M8"), "phone", PHONE, 2, "shared"),
        ],
        "set_aside": [],
    }


def test_a_refused_binding_has_the_contact_and_the_session_that_it_is_to(tmp_path: Path) -> None:
    events = (bound(LINE, link=A, at=3), seen(LINE, line_user="p:U1"), bound(A, member_id="M7", at=1))
    apart = decided(LINE, A, "different", at=3)
    assert found(run(tmp_path, *events, apart))["refused"] == [
        refused((LINE, ""), "contact", [A, "M7"], 2, "decided_different")
    ]


def test_json_has_what_was_set_aside_as_it_was_stated_and_why(tmp_path: Path) -> None:
    rows = found(run(tmp_path, bound(A, phone=" 12 ", member_id="guest"), bound(A, email="test@test.com")))["set_aside"]
    assert rows == [
        {"tenant": "demo", "contact": A, "type": "email", "value": "test@test.com", "reason": "blocked"},
        {"tenant": "demo", "contact": A, "type": "member_id", "value": "guest", "reason": "blocked"},
        {"tenant": "demo", "contact": A, "type": "phone", "value": " 12 ", "reason": "no_value"},
    ]


def test_contacts_that_only_others_named_are_listed_as_unseen(tmp_path: Path) -> None:
    assert found(run(tmp_path, bound(A, link=B)))["customers"] == [customer(A, B, unseen=(B,))]
    assert found(run(tmp_path, bound(A, link=B), seen(B)))["customers"] == [customer(A, B)]


def test_merged_member_ids_in_the_file_count(tmp_path: Path) -> None:
    records = (bound(CRM, member_id="M7", at=1), bound(A, member_id="N7", at=2))
    (one,) = found(run(tmp_path, *records, merged("M7", "N7")))["customers"]
    assert (one["contacts"], one["member_id"], one["member_ids"]) == ([CRM, A], "N7", ["M7", "N7"])
    assert len(found(run(tmp_path, *records, merged("M7", "N7"), merged("M7", None, at=1)))["customers"]) == 2


def test_an_erasure_in_the_file_counts(tmp_path: Path) -> None:
    bindings = (bound(A, phone=PHONE, at=1), bound(B, phone=PHONE, at=1))
    assert len(found(run(tmp_path, *bindings))["customers"]) == 1
    assert len(found(run(tmp_path, *bindings, erased(A, at=2)))["customers"]) == 2


def test_an_assurance_that_is_none_of_the_three_is_no_event(tmp_path: Path) -> None:
    line = encode(bound(A, phone=PHONE)).decode().replace("verified", "certain")
    result = run(tmp_path, line, seen(B))
    assert [one["contacts"] for one in found(result)["customers"]] == [[B]]
    assert "line 1: invalid_field: data.identifiers[0].assurance" in result.stderr


def test_a_record_has_the_member_id_that_its_system_vouched_for_last_in_any_order(tmp_path: Path) -> None:
    """Of intrinsic assertions of one value the earliest alone counts."""
    sightings = [seen(CRM, member_id=member, at=at) for member, at in (("M1", 1), ("M2", 3), ("M1", 5))]
    for order in permutations([*sightings, bound(A, member_id="M1", at=2), bound(B, member_id="M2", at=4)]):
        customers = found(run(tmp_path, *order))["customers"]
        assert [(one["contacts"], one["member_id"]) for one in customers] == [([CRM, B], "M2"), ([A], "M1")]


def test_many_customers_are_one_json_list(tmp_path: Path) -> None:
    events = [seen(f"web:shop:{number:05d}") for number in range(12_000)]
    founders = [customer["founder"] for customer in found(run(tmp_path, *events))["customers"]]
    assert founders == sorted(f"web:shop:{number:05d}" for number in range(12_000))


def test_each_tenant_is_resolved_on_its_own(tmp_path: Path) -> None:
    elsewhere = bound(B, phone=PHONE).model_copy(update={"tenant": "other"})
    customers = found(run(tmp_path, bound(A, phone=PHONE), elsewhere))["customers"]
    assert [(one["tenant"], one["contacts"]) for one in customers] == [("demo", [A]), ("other", [B])]


def test_what_ingress_would_fill_in_may_be_missing(tmp_path: Path) -> None:
    bare = {
        "contact": {"channel": "web", "account": "shop", "uid": "a"},
        "type": "identity.bound",
        "occurred_at": T0,
        "data": {"identifiers": [{"type": "member_id", "value": "M7"}]},
    }
    assert found(run(tmp_path, json.dumps(bare), "", json.dumps(bare | {"received_at": T0 + 5})))["customers"] == [
        customer(A, member="M7")
    ]


def test_bad_lines_are_reported_by_number_and_reason_and_skipped(tmp_path: Path) -> None:
    result = run(tmp_path, "oops", bound(A, phone=PHONE), '{"type": 7}', '["secret value"]')
    assert len(found(result)["customers"]) == 1
    assert "line 1: not_json" in result.stderr
    assert "line 3: invalid_field" in result.stderr
    assert "line 4: not_an_object" in result.stderr
    assert "Skipped 3 lines that are not events (1 invalid_field, 1 not_an_object, 1 not_json)" in result.stderr
    assert "secret" not in result.stderr


def test_a_file_without_one_event_is_an_error_and_an_empty_one_is_not(tmp_path: Path) -> None:
    result = run(tmp_path, "oops")
    assert result.exit_code == 1
    assert "No line of the file is an event" in result.stderr
    assert found(run(tmp_path)) == {"customers": [], "refused": [], "set_aside": []}


def test_a_missing_file_is_an_error_in_one_sentence() -> None:
    result = invoke("/nowhere/events.jsonl")
    assert result.exit_code == 1
    assert result.stderr == "/nowhere/events.jsonl can't be read: No such file or directory\n"


def test_a_dash_reads_standard_input() -> None:
    assert len(found(invoke("-", "--json", stdin=encode(seen(A))))["customers"]) == 1


def test_a_policy_file_changes_the_rules(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"types": {"member_id": {"limit": 1}, "line_user": {"exclusive": null}}}')
    options = ("--json", "--policy", str(tmp_path / "policy.json"))
    users = (seen(LINE, line_user="p:U1", phone=PHONE), seen("line:oa1:U2", line_user="p:U2", phone=PHONE))
    assert len(found(run(tmp_path, *users))["customers"]) == 2
    assert len(found(run(tmp_path, *users, options=options))["customers"]) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not a policy"),
        ('{"types": 1}', "types: must be an object"),
        ('{"types": {"member_id": {"exclusive": null}}}', "member_id is exclusive"),
        ('{"also_blocked": ["a{4294967296}"]}', "repeats something too often"),
    ],
)
def test_an_invalid_policy_file_is_an_error(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "policy.json").write_text(text)
    result = run(tmp_path, *SHARED, options=("--policy", str(tmp_path / "policy.json")))
    assert result.exit_code == 1
    assert says in result.stderr


def test_the_latest_policy_of_the_tenant_is_used(tmp_path: Path) -> None:
    alone = {"policy": {"types": {"phone": {"verified": None}}}}
    lines = (bound(A, phone=PHONE), bound(B, phone=PHONE), event(None, "tenant.policy_set", {"policy": {}}, at=1))
    assert len(found(run(tmp_path, event(None, "tenant.policy_set", alone, at=2), *lines))["customers"]) == 2
    assert len(found(run(tmp_path, event(None, "tenant.policy_set", alone, at=0), *lines))["customers"]) == 1
    broken = event(None, "tenant.policy_set", {"policy": {"types": 1}}, at=3)
    result = run(tmp_path, broken, *lines)
    assert len(found(result)["customers"]) == 1
    assert "Ignored a policy of demo that is not valid" in result.stderr


def test_a_policy_in_the_file_keeps_member_id_exclusive(tmp_path: Path) -> None:
    loose = {"policy": {"types": {"member_id": {"exclusive": None}, "phone": {"claimed": None}}}}
    assert found(run(tmp_path, event(None, "tenant.policy_set", loose), *SHARED)) == found(run(tmp_path, *SHARED))


def test_without_a_secret_key_it_says_which_ids_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEFOLD_SECRET_KEY")
    result = run(tmp_path, *SHARED)
    assert len(found(result)["customers"]) == 2
    assert result.stderr.count("\n") == 1
    assert "ONEFOLD_SECRET_KEY is not set" in result.stderr


def test_people_get_tables_of_80_columns_and_what_to_do_next(tmp_path: Path) -> None:
    hostile = bound("web:shop:[red]\x1b[31m", member_id="M9", at=4)
    long = bound(C, link="crm:erp:" + "7" * 200, member_id="M8")
    result = run(tmp_path, *SHARED, hostile, long, bound(A, member_id="null"), options=())
    assert result.exit_code == 0
    for expected in (
        "demo: 5 contacts are 3 customers",
        "1 of the contacts have no event of their own",
        "Customers by size",
        "Refused links",
        "people whom an exclusive type tells apart",
        "Values set aside",
        "on the block list",
        "Correct them at their source",
        "The largest customers",
        "Next: --json",
    ):
        assert expected in " ".join(result.stdout.split())
    ids = {"crm:erp:" + "7" * 200}
    assert all(len(line) <= 80 or any(one in line for one in ids) for line in result.stdout.splitlines())
    assert "\x1b" not in result.stdout


def test_a_contact_key_is_printed_without_what_a_terminal_would_obey(tmp_path: Path) -> None:
    hostile = bound("web:shop:[red]\x1b[31m", link=A, member_id="M9", at=-4)
    assert "web:shop:[red]\ufffd[31m" in run(tmp_path, hostile, options=()).stdout
