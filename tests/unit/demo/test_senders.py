"""Ingress makes exactly the intended events of each sender's items."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import from_dict
from schemas.events import Event
from services.demo.generate import generate_year
from services.demo.senders import sender_of
from services.demo.year import Events
from tests.support.demo_ingress import NotAsSent, translated
from tests.support.examples import examples

NOW = 1_790_000_000_000
RECEIVED = NOW + 10**10
RUN = "a-run"
BY_ITSELF = {
    ("line", "message.received"),
    ("line", "message.unsent"),
    ("line", "bot.interacted"),
    ("line", "contact.followed"),
    ("line", "contact.blocked"),
    ("facebook", "message.received"),
    ("facebook", "message.edited"),
    ("facebook", "bot.interacted"),
    ("facebook", "notification.opted_in"),
    ("facebook", "notification.opted_out"),
    ("instagram", "message.received"),
    ("instagram", "message.unsent"),
    ("instagram", "bot.interacted"),
    ("whatsapp", "message.received"),
    ("whatsapp", "message.edited"),
    ("whatsapp", "bot.interacted"),
    ("whatsapp", "profile.updated"),
    ("whatsapp", "team.message_status"),
    ("whatsapp", "contact.superseded"),
    ("whatsapp", "identity.bound"),
    ("whatsapp", "marketing.opted_out"),
    ("whatsapp", "marketing.opted_in"),
    ("site", "web.tracked"),
    ("site", "identity.bound"),
    ("members", "identity.bound"),
    ("members", "profile.updated"),
    ("members", "attribute.set"),
    ("members", "tag.added"),
    ("campaigns", "team.message_sent"),
}


def meaning(event: Event) -> dict[str, Any]:
    """What must come out as intended: all but the ids, and what only a channel's own shape adds."""
    dumped = event.model_dump(mode="json")
    data = {name: value for name, value in dumped["data"].items() if value not in (None, {}, [])}
    payload = data.pop("payload", None)
    if event.type == "bot.interacted":
        data["payload"] = payload["payload"] if isinstance(payload, dict) else payload
    if event.type == "message.unsent":
        data.pop("kind")
    if "identifiers" in data:
        data["identifiers"] = sorted(data["identifiers"], key=orjson.dumps)
    vouched = sorted(dumped["intrinsic"], key=orjson.dumps)
    return {name: dumped[name] for name in ("type", "contact", "occurred_at")} | {"data": data, "intrinsic": vouched}


def intended(report: Events) -> list[dict[str, Any]]:
    return [meaning(from_dict({"tenant": "demo", "received_at": RECEIVED} | event)) for event in report]


def received(report: Events) -> list[dict[str, Any]]:
    return [meaning(event) for event in translated(report, RECEIVED, RUN)]


@pytest.fixture(scope="module", name="reports")
def fixture_reports() -> list[Events]:
    return generate_year(7, 2_000, 20_000, NOW).reports


def kinds(reports: Sequence[Events]) -> Counter[tuple[str, str]]:
    return Counter((sender_of(report[0]), event["type"]) for report in reports for event in report)


def test_a_sender_reports_itself_what_its_api_can_express(reports: list[Events]) -> None:
    found = kinds(reports)
    assert {kind for kind in found if kind[0] != "events"} == BY_ITSELF
    assert not {type_name for way, type_name in found if way == "events"} & {"web.tracked", "message.received"}


def test_ingress_makes_the_intended_events_of_each_report(reports: list[Events]) -> None:
    for report in reports:
        assert received(report) == intended(report), report


@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(), people=st.integers(1, 40), events=st.integers(1, 400), until=st.integers(0, 10**10))
def test_ingress_makes_the_intended_events_in_every_year(seed: int, people: int, events: int, until: int) -> None:
    for report in generate_year(seed, people, events, NOW + until).reports:
        assert received(report) == intended(report)


def test_event_ids_do_not_depend_on_the_time_of_receipt(reports: list[Events]) -> None:
    ids = [event.event_id for report in reports for event in translated(report, RECEIVED, RUN)]
    assert len(set(ids)) == len(ids)
    again = [event.event_id for report in reports for event in translated(report, RECEIVED + 5_000, RUN)]
    assert again == ids


def test_only_whatsapp_the_crm_and_logins_on_the_site_report_several_events_together(reports: list[Events]) -> None:
    several = [report for report in reports if len(report) > 1]
    assert {sender_of(report[0]) for report in several} == {"whatsapp", "members", "site"}
    assert "contact.superseded" in {report[0]["type"] for report in several}


def test_a_report_that_ingress_would_refuse_is_found(reports: list[Events]) -> None:
    (event,) = next(report for report in reports if sender_of(report[0]) == "events")
    with pytest.raises(NotAsSent):
        translated((event | {"occurred_at": 5},), RECEIVED, RUN)
