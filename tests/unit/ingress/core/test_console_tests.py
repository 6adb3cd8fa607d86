"""What the consoles of Meta and LINE send to test a webhook makes no contact and is kept with the account."""

from typing import Any

import pytest

from schemas.events import AccountRef
from tests.support import line_bodies
from tests.support.meta_bodies import INSTAGRAM, NUMBER, PAGE, change, events_of, hello, known, whatsapp

TURN = {"sender": {"id": "12334"}, "recipient": {"id": "23245"}, "timestamp": "1527459824"}
MESSAGE = TURN | {"message": {"mid": "test_message_id", "text": "test_message"}}
POSTBACK = TURN | {"postback": {"mid": "test_message_id", "title": "t", "payload": "p"}}
COMMENT = {"id": "c1", "from": {"id": "232323232", "username": "test"}, "text": "This is an example."}


def _of_entry(object_name: str, field: str, value: Any, entry_id: str = "0") -> dict[str, Any]:
    entry = {"id": entry_id, "time": 1_760_000_000, "changes": [{"field": field, "value": value}]}
    return {"object": object_name, "entry": [entry]}


def _whatsapp(entry_id: str, number: str) -> dict[str, Any]:
    one = change(number=number, messages=[hello(phone="16315551181")], contacts=[known("16315551181", name="test")])
    body = whatsapp(one)
    body["entry"][0]["id"] = entry_id
    return body


BODIES = [
    (_of_entry("page", "messages", MESSAGE), "facebook", PAGE),
    (_of_entry("page", "messaging_postbacks", POSTBACK), "facebook", PAGE),
    (_of_entry("instagram", "messages", MESSAGE), "instagram", INSTAGRAM),
    (_of_entry("instagram", "comments", COMMENT), "instagram", INSTAGRAM),
    ({"field": "messages", "value": MESSAGE}, "facebook", PAGE),
    (_whatsapp("0", "123456123"), "whatsapp", NUMBER),
    (_whatsapp("0", NUMBER), "whatsapp", NUMBER),
    (_whatsapp("219405566710288", "123456123"), "whatsapp", NUMBER),
]


@pytest.mark.parametrize(("body", "channel", "account"), BODIES, ids=[str(number) for number in range(len(BODIES))])
def test_metas_button_makes_no_contact(body: Any, channel: str, account: str) -> None:
    for configured in (None, account):
        events = events_of(body, account=configured)
        assert [(event.contact, event.intrinsic) for event in events] == [(None, [])]
        assert events[0].account is not None
        assert events[0].account.channel == channel
        assert configured in {None, events[0].account.account}


def test_a_message_that_only_looks_like_a_test_is_a_persons() -> None:
    value = MESSAGE | {"recipient": {"id": PAGE}}
    (event,) = events_of(_of_entry("page", "messages", value, PAGE))
    assert event.contact is not None


def test_lines_button_makes_no_contact() -> None:
    user = {"type": "user", "userId": "Udeadbeefdeadbeefdeadbeefdeadbeef"}
    event = line_bodies.event_of(line_bodies.entry("message", source=user, message=line_bodies.TEXT))
    assert (event.type, event.contact, event.intrinsic) == ("message.received", None, [])
    assert event.account == AccountRef(channel="line", account="qingshan")
