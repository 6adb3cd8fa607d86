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
from tests.support.identity_events import T0, bound, event, seen

A, B, C = (f"web:shop:{letter}" for letter in "abc")
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
    return CliRunner().invoke(app, [*arguments], input=stdin, env={"COLUMNS": "160"})


def found(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_json_has_customers_by_founder_and_refused_links(tmp_path: Path) -> None:
    key = tenant_id_key("a key of the tests", "demo")
    assert found(run(tmp_path, *SHARED)) == {
        "customers": [
            {"id": str(personal_id(key, A)), "founder": A, "contacts": [A], "member_id": "M7"},
            {"id": str(personal_id(key, B)), "founder": B, "contacts": [B, C], "member_id": "M8"},
        ],
        "refused": [
            {"contact": A, "type": "phone", "value": PHONE, "tier": 2, "reason": "shared"},
            {"contact": B, "type": "phone", "value": PHONE, "tier": 2, "reason": "shared"},
        ],
    }


def test_the_latest_intrinsic_member_id_counts_in_any_order(tmp_path: Path) -> None:
    crm = "crm:erp:1"
    sightings = [seen(crm, member_id=member, at=at) for member, at in (("M1", 1), ("M2", 3), ("M1", 5))]
    for order in permutations([*sightings, bound(A, member_id="M1", at=2), bound(B, member_id="M2", at=4)]):
        customers = found(run(tmp_path, *order))["customers"]
        assert [(one["contacts"], one["member_id"]) for one in customers] == [([crm, A], "M1"), ([B], "M2")]


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
        {
            "id": str(personal_id(tenant_id_key("a key of the tests", "demo"), A)),
            "founder": A,
            "contacts": [A],
            "member_id": "M7",
        }
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
    assert found(run(tmp_path)) == {"customers": [], "refused": []}


def test_a_missing_file_is_an_error_in_one_sentence() -> None:
    result = invoke("/nowhere/events.jsonl")
    assert result.exit_code == 1
    assert result.stderr == "/nowhere/events.jsonl can't be read: No such file or directory\n"


def test_a_dash_reads_standard_input() -> None:
    assert len(found(invoke("-", "--json", stdin=encode(seen(A))))["customers"]) == 1


def test_a_policy_file_changes_the_rules(tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text('{"types": {"member_id": {"exclusive": null}}}')
    options = ("--json", "--policy", str(tmp_path / "policy.json"))
    assert len(found(run(tmp_path, *SHARED, options=options))["customers"]) == 1


@pytest.mark.parametrize(("text", "says"), [("{", "is not a policy"), ('{"types": 1}', "types: must be an object")])
def test_an_invalid_policy_file_is_an_error(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "policy.json").write_text(text)
    result = run(tmp_path, *SHARED, options=("--policy", str(tmp_path / "policy.json")))
    assert result.exit_code == 1
    assert says in result.stderr


def test_the_latest_policy_of_the_tenant_is_used(tmp_path: Path) -> None:
    loose = {"policy": {"types": {"member_id": {"exclusive": None}}}}
    earlier = event(None, "tenant.policy_set", {"policy": {}}, at=1)
    assert len(found(run(tmp_path, event(None, "tenant.policy_set", loose, at=2), earlier, *SHARED))["customers"]) == 1
    broken = event(None, "tenant.policy_set", {"policy": {"types": 1}}, at=3)
    result = run(tmp_path, broken, *SHARED)
    assert len(found(result)["customers"]) == 2
    assert "Ignored a policy of demo that is not valid" in result.stderr


def test_without_a_secret_key_it_says_which_ids_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEFOLD_SECRET_KEY")
    result = run(tmp_path, *SHARED)
    assert len(found(result)["customers"]) == 2
    assert result.stderr.count("\n") == 1
    assert "ONEFOLD_SECRET_KEY is not set" in result.stderr


def test_people_get_tables_and_what_to_do_next(tmp_path: Path) -> None:
    hostile = bound("web:shop:[red]\x1b[31m", member_id="M9", at=4)
    result = run(tmp_path, *SHARED, hostile, bound(A, member_id="null"), options=())
    assert result.exit_code == 0
    assert "demo: 4 contacts are 3 customers" in result.stdout
    for expected in (
        "Customers by size",
        "Refused links",
        "shared",
        "blocked",
        "The largest customers",
        "Next: --json",
    ):
        assert expected in result.stdout
    assert "\x1b" not in result.stdout
    assert "web:shop:[red]" in result.stdout
