"""WhatsApp conversations that another app handles, and what WhatsApp itself sees in one."""

from typing import Any

import pytest

from schemas.events import AccountRef
from tests.support.meta_bodies import (
    BSUID,
    NUMBER,
    OWN_PHONE,
    PHONE,
    SECONDS,
    change,
    data_of,
    event_of,
    events_of,
    hello,
    key_of,
    known,
    whatsapp,
)

KEY = f"whatsapp:{NUMBER}:{PHONE}"


def _standby(**lists: Any) -> dict[str, Any]:
    return whatsapp(change("standby", standby=lists))


def test_a_message_inside_standby_is_the_contacts() -> None:
    message, profile = events_of(_standby(contacts=[known(name="安娜")], messages=[hello()]))
    assert (message.type, key_of(message)) == ("message.received", KEY)
    assert data_of(message)["payload"] == {"standby": True}
    assert data_of(profile) == {"display_name": "安娜"}


def test_an_echo_inside_standby_has_its_message_inside_it() -> None:
    inner = {"to": PHONE, "type": "text", "text": {"body": "有的"}}
    echo = {"id": "wamid.E1", "timestamp": str(SECONDS), "message": inner}
    event = event_of(_standby(message_echoes=[echo]))
    assert (event.type, key_of(event), event.event_id) == ("team.message_sent", KEY, "whatsapp:wamid.E1")
    assert (data_of(event)["text"], event.occurred_at) == ("有的", SECONDS * 1000)


@pytest.mark.parametrize(
    ("sender", "key"),
    [
        ({"phone_number": PHONE}, KEY),
        ({"user_id": BSUID}, f"whatsapp:{NUMBER}:{BSUID}"),
        ({"phone_number": OWN_PHONE}, None),
        (None, None),
    ],
)
def test_a_conversation_that_is_handed_over_is_with_its_person_on_its_number(sender: Any, key: str | None) -> None:
    value = {
        "type": "control_passed",
        "recipient": {"display_phone_number": OWN_PHONE, "phone_number_id": NUMBER},
        "sender": sender,
        "timestamp": str(SECONDS),
        "control_passed": {"previous_owner_app_role": "primary"},
    }
    event = event_of(whatsapp({"field": "messaging_handovers", "value": value}))
    assert (event.type, key_of(event)) == ("whatsapp.messaging_handovers", key)
    assert event.account == (None if key else AccountRef(channel="whatsapp", account=NUMBER))
    assert (data_of(event), event.occurred_at) == (
        {name: given for name, given in value.items() if given is not None} | ({} if sender else {"sender": None}),
        SECONDS * 1000,
    )


def test_what_is_detected_in_a_message_is_another_event_at_its_own_time() -> None:
    lead = {"id": "wamid.A1", "event_name": "LeadSubmitted", "timestamp": SECONDS - 60, "ctwa_clid": "c"}
    purchase = lead | {"event_name": "Purchase", "custom_data": {"currency": "TWD", "value": 180}}
    message, *detected = events_of(
        whatsapp(change(messages=[hello()]), change("automatic_events", automatic_events=[lead, purchase]))
    )
    assert [event.type for event in detected] == ["whatsapp.automatic_events"] * 2
    assert len({message.event_id, *(event.event_id for event in detected)}) == 3
    assert {event.occurred_at for event in detected} == {(SECONDS - 60) * 1000}
    assert [data_of(event) for event in detected] == [lead, purchase]
