"""What nobody reads in a website's message stays in its event, except what is known of a device or a network."""

from typing import Any

import pytest

from tests.support.web_bodies import CONTEXT, all_said, message

DEVICE = {
    "app": {"name": "shop"},
    "device": {"id": "7"},
    "ip": "203.0.113.7",
    "library": {"name": "analytics.js"},
    "network": {"carrier": "x"},
    "os": {"name": "x"},
    "screen": {"width": 1},
    "sessionId": 1,
    "timezone": "Asia/Taipei",
    "userAgentData": {"mobile": False},
}
EXTERNAL = [{"type": "brazeExternalId", "id": "b7"}, {"type": "x_card", "id": "77"}]
PERSONS = {"groupId": "g1", "consentManagement": {"deniedConsentIds": ["ads"]}, "store": "台中"}
KEPT_CONTEXT = PERSONS | {"externalIds": EXTERNAL[:1]}


def last_data(given: dict[str, Any]) -> Any:
    """The data of the last event of the message."""
    return all_said(given)[-1][2]


def a_message(kind: str, context: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return message(kind, context=CONTEXT | DEVICE | context, **({"event": "Paid"} | fields))


@pytest.mark.parametrize("kind", ["track", "page", "screen"])
def test_what_was_done_keeps_it_among_its_properties(kind: str) -> None:
    context = PERSONS | {"externalId": EXTERNAL}
    data = last_data(a_message(kind, context, properties={"sku": "OOL"}, rating=5))
    extra = {} if kind == "track" else {"event": "Paid"}
    assert data["properties"] == {"sku": "OOL", "rating": 5, "context": KEPT_CONTEXT} | extra


@pytest.mark.parametrize("kind", ["group", "Scrolled"])
def test_a_kind_that_is_kept_keeps_it_too(kind: str) -> None:
    data = last_data(a_message(kind, PERSONS | {"externalIds": EXTERNAL}))
    assert data["context"] == KEPT_CONTEXT


def test_an_identify_keeps_it_beside_its_traits() -> None:
    given = message(
        "identify", context=CONTEXT | PERSONS | {"externalIds": EXTERNAL}, traits={"plan": "gold"}, note="x"
    )
    assert last_data(given) == {"note": "x", "context": KEPT_CONTEXT}


def test_an_alias_keeps_it() -> None:
    given = message("alias", userId="M7", previousId="c2", context=PERSONS, properties={"from": "app"})
    ids = {"previousId": "c2", "userId": "M7"}
    assert last_data(given) == {"properties": {"from": "app"}, "context": PERSONS} | ids


def test_a_property_of_the_same_name_stays() -> None:
    assert last_data(a_message("track", PERSONS, properties={"context": "x"}))["properties"] == {"context": "x"}


def test_a_device_and_a_network_leave_no_trace() -> None:
    assert last_data(a_message("track", {}, request_ip="203.0.113.7", channel="web")) == {
        "event": "Paid",
        "url": "https://qingshan.example/tea/oolong",
        "properties": {},
    }
