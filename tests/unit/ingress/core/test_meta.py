"""Which of Meta's channels a body is of, and what is no body of theirs."""

from typing import Any

import pytest

from services.ingress.core.translated import Ignored
from tests.support.meta_bodies import (
    INSTAGRAM,
    PAGE,
    change,
    event_of,
    hello,
    instagram,
    page,
    translated,
    turn,
    whatsapp,
)

HELLO = turn(message={"mid": "m_1", "text": "嗨"})


class TestTheChannel:
    @pytest.mark.parametrize(
        ("body", "channel"),
        [
            (page(HELLO), "facebook"),
            (instagram(HELLO), "instagram"),
            (whatsapp(change(messages=[hello()])), "whatsapp"),
        ],
    )
    def test_is_what_the_object_says(self, body: Any, channel: str) -> None:
        event = event_of(body)
        assert event.contact is not None
        assert event.contact.channel == channel
        assert event.event_id.startswith(f"{channel}:")

    @pytest.mark.parametrize("object_name", ["page", "instagram", "whatsapp", None, 7, ["page"]])
    def test_is_whatsapp_where_the_content_says_so(self, object_name: Any) -> None:
        body = whatsapp(change(messages=[hello()])) | {"object": object_name}
        assert event_of(body) == event_of(whatsapp(change(messages=[hello()])))

    @pytest.mark.parametrize("object_name", ["page", "user", None, 7, ["instagram"]])
    def test_is_instagram_where_the_account_is_one_of_its(self, object_name: Any) -> None:
        given = turn(recipient=INSTAGRAM, message={"mid": "m_1", "text": "嗨"})
        assert event_of(instagram(given) | {"object": object_name}) == event_of(instagram(given))
        assert event_of(given, account=INSTAGRAM) == event_of(instagram(given))

    def test_is_instagram_where_only_that_has_such_a_field(self) -> None:
        entry = {"id": PAGE, "field": "comments", "value": {"id": "c"}}
        assert event_of({"entry": [entry]}).type == "instagram.comments"
        assert event_of({"object": "page", "entry": [entry]}).type == "facebook.comments"

    @pytest.mark.parametrize("object_name", [None, "user", 7, {}])
    def test_is_messenger_where_nothing_says_otherwise(self, object_name: Any) -> None:
        assert event_of(page(HELLO) | {"object": object_name}) == event_of(page(HELLO))


@pytest.mark.parametrize(
    "body", [None, 1, "x", [], {}, {"object": "page"}, {"events": []}, True, [None], [[]]], ids=repr
)
def test_a_body_that_is_no_webhook_is_ignored(body: Any) -> None:
    outcome = translated(body)
    assert (outcome.events, outcome.ignored) == ((), (Ignored(0, "not_a_webhook"),))


def test_a_webhook_without_entries_says_nothing() -> None:
    assert translated({"object": "page", "entry": []}) == translated({"object": "instagram", "entry": []})
    assert translated({"object": "page", "entry": []}).ignored == ()


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "not_an_object"),
        ("x", "not_an_object"),
        ("no webhook", "not_an_object"),
        ([], "not_an_object"),
        ({"id": PAGE, "time": 1}, "empty"),
        ({"id": PAGE, "messaging": []}, "empty"),
        ({"id": PAGE, "messaging": [None]}, "not_an_object"),
        ({"id": PAGE, "standby": [7]}, "not_an_object"),
        ({"id": PAGE, "changes": ["x"]}, "not_an_object"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("object_name", ["page", "instagram"])
def test_an_entry_that_says_nothing_is_ignored_by_its_place(entry: Any, reason: str, object_name: str) -> None:
    body = page(HELLO)
    outcome = translated({"object": object_name, "entry": [*body["entry"], entry]})
    assert [event.type for event in outcome.events] == ["message.received"]
    assert outcome.ignored == (Ignored(1, reason),)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (7, "not_an_object"),
        ({"id": "1"}, "empty"),
        ({"id": "1", "changes": "x"}, "empty"),
        ({"changes": [None]}, "not_an_object"),
        ({"changes": [change(messages=["x"])]}, "not_an_object"),
        ({"changes": [change("history", history=[{"threads": [{"messages": [1]}]}])]}, "not_an_object"),
    ],
    ids=repr,
)
def test_so_is_one_of_whatsapps(entry: Any, reason: str) -> None:
    outcome = translated({"object": "whatsapp_business_account", "entry": [entry]})
    assert (outcome.events, outcome.ignored) == ((), (Ignored(0, reason),))


def test_an_entry_of_something_else_is_kept() -> None:
    event = event_of({"object": "page", "entry": [{"id": PAGE, "time": 1, "changed_fields": ["feed"]}]})
    assert (event.type, event.contact, event.data) == ("facebook.entry", None, {"changed_fields": ["feed"]})


def test_an_account_that_can_be_none_is_not_configured() -> None:
    assert event_of(page(HELLO), account="a:b") == event_of(page(HELLO))


def test_a_provider_too_long_for_an_identifier_does_not_lose_the_message() -> None:
    body = whatsapp(change(messages=[hello(from_user_id="TW.1")]))
    assert event_of(body, provider="p" * 600).type == "message.received"
