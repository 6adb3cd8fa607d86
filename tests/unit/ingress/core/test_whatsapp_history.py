"""What WhatsApp's history brings of the time before the number was connected."""

from typing import Any

import pytest

from schemas.events import AccountRef, Event
from tests.support.meta_bodies import (
    BSUID,
    NUMBER,
    OWN_PHONE,
    PARENT,
    PHONE,
    PORTFOLIO,
    change,
    data_of,
    events_of,
    hello,
    key_of,
    known,
    vouched,
    whatsapp,
    whatsapp_message,
)

KEY = f"whatsapp:{NUMBER}:{PHONE}"
BSUID_KEY = f"whatsapp:{NUMBER}:{BSUID}"
PROGRESS = {"phase": 1, "chunk_order": 3, "progress": 55}


def _history(*threads: Any, **chunk: Any) -> dict[str, Any]:
    return whatsapp(change("history", history=[{"threads": list(threads)} | chunk]))


def _thread(*messages: Any, number: str | None = None, **context: str) -> dict[str, Any]:
    thread = {"id": number, "context": context or None, "messages": list(messages)}
    return {name: value for name, value in thread.items() if value is not None}


def _sent(**fields: Any) -> dict[str, Any]:
    return hello(phone=OWN_PHONE, **fields)


def _shown(events: list[Event]) -> list[tuple[str, str | None]]:
    return [(event.type, key_of(event)) for event in events]


def test_a_conversation_with_a_person_who_hides_the_number_is_that_persons() -> None:
    received = hello(wamid="wamid.H1", phone=None, from_user_id=BSUID)
    sent = _sent(wamid="wamid.H2", from_user_id=BSUID)
    thread = _thread(received, sent, user_id=BSUID, parent_user_id=PARENT, username="@anna")
    events = events_of(_history(thread))
    assert _shown(events) == [("message.received", BSUID_KEY), ("team.message_sent", BSUID_KEY)]
    for event in events:
        assert data_of(event)["payload"] | {"type": "text"} == {
            "type": "text",
            "username": "@anna",
            "parent_user_id": PARENT,
        }


def test_a_message_has_the_ids_of_its_conversation_alone() -> None:
    one = _thread(hello(wamid="wamid.H1"), number=PHONE, wa_id=PHONE, user_id=BSUID)
    other = _thread(_sent(wamid="wamid.H2", to="886955000111"), number="886955000111", user_id="TW.1")
    first, second = events_of(_history(one, other))
    user = f"{PORTFOLIO}:{{}}".format
    assert (key_of(first), vouched(first)) == (KEY, [("phone", f"+{PHONE}"), ("whatsapp_user", user(BSUID))])
    assert vouched(second) == [("phone", "+886955000111"), ("whatsapp_user", user("TW.1"))]


def test_a_message_to_the_person_is_the_teams_though_our_number_is_not_given() -> None:
    body = _history(_thread(_sent(to=f"+{PHONE}"), hello(wamid="wamid.H2", to=OWN_PHONE), number=PHONE))
    del body["entry"][0]["changes"][0]["value"]["metadata"]["display_phone_number"]
    assert _shown(events_of(body)) == [("team.message_sent", KEY), ("message.received", KEY)]


def test_a_piece_says_how_far_the_history_has_come() -> None:
    body = _history(_thread(hello(), number=PHONE), metadata=PROGRESS)
    message, piece = events_of(body)
    assert message.type == "message.received"
    assert (piece.type, data_of(piece)) == ("whatsapp.history", {"metadata": PROGRESS})
    assert piece.account == AccountRef(channel="whatsapp", account=NUMBER)
    assert [event.event_id for event in events_of(body)] == [message.event_id, piece.event_id]


@pytest.mark.parametrize("threads", [[], [{"id": PHONE, "messages": []}], [{"id": PHONE}], ["x"]])
def test_a_piece_without_messages_is_kept_whole(threads: list[Any]) -> None:
    (piece,) = events_of(_history(*threads, metadata=PROGRESS))
    assert data_of(piece) == {"threads": threads, "metadata": PROGRESS}


def test_a_user_name_of_today_is_no_name_of_that_time() -> None:
    media = whatsapp_message("image", image={"id": "9"})
    by_user_name = change("history", contacts=[known(username="@anna")], messages=[media])
    assert _shown(events_of(whatsapp(by_user_name))) == [("message.received", KEY)]
    by_name = change("history", contacts=[known(name="安娜", username="@anna")], messages=[media])
    _, profile = events_of(whatsapp(by_name))
    assert data_of(profile) == {"display_name": "安娜"}
