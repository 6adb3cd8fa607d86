"""`onefold demo` on a machine with nothing but Python: real servers are started, and the accounts balance."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from services.demo.generate import generate_year
from services.demo.run import Parameters, end_of_year
from services.demo.senders import sender_of

pytestmark = pytest.mark.long  # so that they come one after another, in one process: only it starts the demo

_COMMAND = (sys.executable, "-c", "from services.cli import app; app()", "demo", "--exit", "--json", "--port", "0")
_YEAR = Parameters(seed=7, people=2000, events=300)
_END_MS = 1_760_000_000_000
_KEYS = {
    "accepted",
    "committed",
    "dead_lettered",
    "duplicates",
    "events_per_s",
    "contacts",
    "customers",
    "why",
    "profile",
    "balanced",
    "next",
}


def run(data_dir: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ONEFOLD_")}
    settings = {"ONEFOLD_DATA_DIR": str(data_dir), "ONEFOLD_WORKER_PORT": "0", "ONEFOLD_ACK_TIMEOUT": "60"}
    return subprocess.run(
        (*_COMMAND, *options),
        env=clean | settings | environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr[-4000:]
    (line,) = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.fixture(scope="module", name="data_dir")
def fixture_data_dir() -> Iterator[Path]:
    # Not pytest's own, which only its owner may enter: PostgreSQL, which can't run as root, has to get through.
    with TemporaryDirectory(prefix="onefold-demo-") as directory:
        Path(directory).chmod(0o711)
        # What happens in a year depends on its end, which would be the time of the test.
        end_of_year(Path(directory) / ".onefold", _YEAR.name, _END_MS)
        yield Path(directory) / ".onefold"


@pytest.fixture(scope="module", name="first")
def fixture_first(data_dir: Path) -> dict[str, Any]:
    return result(run(data_dir, "--events", "300"))


def test_a_small_demo_ends_by_itself_with_balanced_accounts(first: dict[str, Any]) -> None:
    assert first.keys() >= _KEYS
    assert first["balanced"] is True
    assert first["faults"] == []
    assert (first["committed"], first["duplicates"], first["dead_lettered"]) == (300, 9, 8)
    assert first["accepted"] + first["broken_written"] == 300 + 9 + 8
    assert (first["rejected"], first["refused_requests"]) == (8, 11)


def test_each_channel_uses_its_own_route(first: dict[str, Any], data_dir: Path) -> None:
    accepted = first["accepted_by"]
    assert {"line", "site", "members", "events"} <= accepted.keys()
    assert {"facebook", "instagram", "whatsapp"} <= accepted.keys()
    assert end_of_year(data_dir, _YEAR.name, 0) == (_END_MS, True)
    year = generate_year(_YEAR.seed, _YEAR.people, _YEAR.events, _END_MS)
    assert accepted.keys() >= {"campaigns"} | {sender_of(one[0]) for one in year.reports}
    assert sum(accepted.values()) == first["accepted"]


def test_it_shows_contacts_by_channel_and_a_person_with_three_times(first: dict[str, Any]) -> None:
    contacts = {row["channel"]: row for row in first["contacts"]}
    assert {"line", "web", "crm"} <= contacts.keys()
    assert contacts["line"]["subscribed"] > contacts["line"]["blocked"]  # in so small a demo there may be no blocks
    for row in contacts.values():
        assert row["contacts"] == row["subscribed"] + row["blocked"] + row["none"]
    profile = first["profile"]
    assert profile["profile"]["display_name"]
    for name in ("last_customer_interaction_at", "last_team_interaction_at", "last_marketing_at"):
        assert isinstance(profile[name], int)


def test_it_shows_customers_and_one_explanation(first: dict[str, Any]) -> None:
    customers = first["customers"]
    sizes = {int(size): count for size, count in customers["contacts_per_customer"].items()}
    assert customers["count"] == sum(sizes.values())
    assert sizes[1] > 0
    assert max(sizes) >= 3
    # Contacts without evidence are in no change; contacts that were only referenced are in no channel's count.
    assert sum(size * count for size, count in sizes.items()) >= sum(row["contacts"] for row in first["contacts"])
    assert customers["changes"]["created"] > 0
    assert {"shared_device", "shared"} <= customers["refused"].keys()
    assert sum(customers["set_aside"].values()) == 2  # blocked, or no value at all
    why = first["why"]
    assert why["together"] is True
    assert len(why["chain"]) > 1
    assert why["a"]["contact"] == first["profile"]["contact"]
    assert why["a"]["contact"].partition(":")[0] != why["b"]["contact"].partition(":")[0]
    assert all(tie["events"] for tie in why["chain"])


def test_it_prints_commands_to_go_on_with(first: dict[str, Any]) -> None:
    steps = "\n".join(first["next"])
    a, b = first["why"]["a"]["contact"], first["why"]["b"]["contact"]
    assert f" why {a} {b}\n" in steps
    assert f"/v1/customers/{first['profile']['customer_id']}/identity'" in steps
    assert "/v1/identity/conflicts" in steps


def test_a_repeated_demo_on_the_same_data_has_only_duplicates(data_dir: Path, first: dict[str, Any]) -> None:
    again = result(run(data_dir, "--events", "300"))
    assert again["balanced"] is True
    assert (again["committed"], again["duplicates"], again["dead_lettered"]) == (0, 309, 8)
    assert again["already_there"] == 300
    for part in ("contacts", "profile", "customers", "why"):
        assert again[part] == first[part]


def test_a_busy_port_ends_the_demo_with_a_clear_message(tmp_path: Path) -> None:

    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(tmp_path, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "is in use by another program" in done.stderr
    assert "Traceback" not in done.stderr
