"""Each kind of LINE webhook, and the event written down by hand that it must become."""

from typing import Any

import orjson
import pytest

from schemas import codec
from schemas.events import AccountRef
from services.ingress.core.line import translate
from services.ingress.core.normalize import lenient_json
from services.ingress.core.times import FUTURE_SLACK_MS
from services.ingress.core.translated import Ignored
from tests.support.line_bodies import (
    DESTINATION,
    GROUP,
    RECEIVED_AT,
    ROOM,
    SENT_AT,
    TEXT,
    USER,
    USER_ID,
    WEBHOOK_EVENT_ID,
    entry,
    event_of,
    translated,
)


def _data(given: Any) -> Any:
    return orjson.loads(codec.data_json(event_of(given)))


def test_a_text_message_becomes_the_whole_event() -> None:
    assert orjson.loads(codec.encode(event_of(entry("message", message=TEXT)))) == {
        "event_id": f"line:{WEBHOOK_EVENT_ID}",
        "tenant": "qingshan",
        "contact": {"channel": "line", "account": "qingshan", "uid": USER_ID},
        "type": "message.received",
        "occurred_at": SENT_AT,
        "received_at": RECEIVED_AT,
        "source": "line-main",
        "schema_version": 1,
        "intrinsic": [{"type": "line_user", "value": f"qingshan-provider:{USER_ID}"}],
        "data": {
            "message_id": "598113204477231105",
            "kind": "text",
            "text": "請問高山烏龍還有現貨嗎",
            "payload": {"quoteToken": "7hTqv0Rk"},
        },
    }


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (
            {"id": "1", "type": "image", "contentProvider": {"type": "line"}, "imageSet": {"id": "s", "index": 1}},
            {"kind": "image", "payload": {"contentProvider": {"type": "line"}, "imageSet": {"id": "s", "index": 1}}},
        ),
        (
            {"id": "1", "type": "video", "duration": 9000, "contentProvider": {"type": "line"}},
            {"kind": "video", "payload": {"duration": 9000, "contentProvider": {"type": "line"}}},
        ),
        ({"id": "1", "type": "audio", "duration": 800}, {"kind": "audio", "payload": {"duration": 800}}),
        (
            {"id": "1", "type": "file", "fileName": "訂單.pdf", "fileSize": 48213},
            {"kind": "file", "payload": {"fileName": "訂單.pdf", "fileSize": 48213}},
        ),
        (
            {"id": "1", "type": "location", "address": "台中市西區", "latitude": 24.15, "longitude": 120.66},
            {"kind": "location", "payload": {"address": "台中市西區", "latitude": 24.15, "longitude": 120.66}},
        ),
        (
            {"id": "1", "type": "sticker", "packageId": "446", "stickerId": "1988", "keywords": ["謝謝"]},
            {"kind": "sticker", "payload": {"packageId": "446", "stickerId": "1988", "keywords": ["謝謝"]}},
        ),
        ({"id": "1", "type": "hologram", "beam": 3}, {"kind": "hologram", "payload": {"beam": 3}}),
        ({"id": "1", "text": 7}, {"kind": "unknown", "payload": {"text": 7}}),
    ],
    ids=lambda value: str(value.get("type", "")) if "id" in value else "",
)
def test_every_kind_of_message_keeps_what_it_brought(message: dict[str, Any], data: dict[str, Any]) -> None:
    assert _data(entry("message", message=message)) == {"message_id": "1"} | data


def test_a_message_kept_for_another_module_says_so() -> None:
    assert _data(entry("message", message=TEXT, mode="standby"))["payload"]["mode"] == "standby"


def test_an_edited_message_has_the_new_text() -> None:
    event = event_of(entry("messageEdited", message=TEXT | {"text": "改成兩盒"}))
    assert event.type == "message.edited"
    assert orjson.loads(codec.data_json(event))["text"] == "改成兩盒"


def test_an_unsent_message_is_named_by_its_id() -> None:
    given = entry("unsend", unsend={"messageId": "598113204477231105"}, replyToken=None)
    assert event_of(given).type == "message.unsent"
    assert _data(given) == {"message_id": "598113204477231105", "kind": "unknown", "payload": {}}


@pytest.mark.parametrize(
    ("fields", "via"),
    [
        ({"follow": {"isUnblocked": False}}, "add_friend"),
        ({"follow": {"isUnblocked": True}}, "unblock"),
        ({}, "add_friend"),
        ({"follow": {"isUnblocked": "yes"}}, "add_friend"),
    ],
)
def test_a_follow_tells_a_new_friend_from_an_unblocking(fields: dict[str, Any], via: str) -> None:
    event = event_of(entry("follow", **fields))
    assert (event.type, _data(entry("follow", **fields))) == ("contact.followed", {"via": via})


def test_an_unfollow_is_a_block() -> None:
    event = event_of(entry("unfollow", replyToken=None))
    assert (event.type, codec.data_json(event)) == ("contact.blocked", '{"via":"block"}')


@pytest.mark.parametrize("type_name", ["follow", "unfollow"])
def test_a_subscription_keeps_what_else_the_channel_says_of_it(type_name: str) -> None:
    given = entry(type_name, mode="standby", timestamp="gestern", chatControl={"expireAt": 1})
    kept = {"mode": "standby", "timestamp": "gestern", "chatControl": {"expireAt": 1}}
    assert _data(given)["payload"] == kept


@pytest.mark.parametrize(
    ("postback", "payload"),
    [
        ({"data": "menu=store"}, "menu=store"),
        (
            {"data": "menu=visit", "params": {"date": "2025-11-09"}},
            {"data": "menu=visit", "params": {"date": "2025-11-09"}},
        ),
    ],
)
def test_a_postback_is_a_tap_on_the_bot(postback: dict[str, Any], payload: Any) -> None:
    given = entry("postback", postback=postback)
    assert event_of(given).type == "bot.interacted"
    assert _data(given) == {"action": "postback", "payload": payload}


@pytest.mark.parametrize(
    ("type_name", "fields", "ours"),
    [
        ("beacon", {"beacon": {"hwid": "0a1b2c3d4e", "type": "enter"}}, "line.beacon"),
        ("videoPlayComplete", {"videoPlayComplete": {"trackingId": "harvest"}}, "line.video_play_complete"),
        ("accountLink", {"link": {"result": "ok", "nonce": "bm9uY2U"}}, "line.account_link"),
        ("accountLink", {"link": {"result": "failed", "nonce": "bm9uY2U"}}, "line.account_link"),
        ("membership", {"membership": {"type": "joined", "membershipId": 3189}}, "line.membership"),
        ("module", {"module": {"type": "attached", "botId": "U1", "scopes": []}}, "line.module"),
        ("activated", {"chatControl": {"expireAt": 1_762_488_000_000}}, "line.activated"),
        ("deactivated", {}, "line.deactivated"),
        ("botSuspended", {}, "line.bot_suspended"),
        ("botResumed", {}, "line.bot_resumed"),
        ("delivery", {"delivery": {"data": "order-881"}}, "line.delivery"),
        ("teaCeremony", {"steps": [1, 2]}, "line.tea_ceremony"),
    ],
)
def test_what_means_nothing_to_us_is_kept(type_name: str, fields: dict[str, Any], ours: str) -> None:
    event = event_of(entry(type_name, **fields))
    assert event.type == ours
    assert event.data == fields
    assert event.contact is not None
    assert event.intrinsic


def test_an_account_event_without_a_source_has_no_contact() -> None:
    event = event_of(entry("botSuspended", source=None, replyToken=None))
    assert (event.type, event.contact, event.intrinsic, event.data) == ("line.bot_suspended", None, [], {})
    assert event.account == AccountRef(channel="line", account="qingshan")


@pytest.mark.parametrize("place", [GROUP, ROOM, GROUP | {"userId": USER_ID}, ROOM | {"userId": USER_ID}])
class TestInAGroupOrARoom:
    def test_a_message_is_kept_without_inventing_a_contact(self, place: dict[str, str]) -> None:
        event = event_of(entry("message", message=TEXT, source=place))
        assert (event.type, event.contact, event.intrinsic) == ("message.received", None, [])
        assert event.account == AccountRef(channel="line", account="qingshan")
        assert orjson.loads(codec.data_json(event))["payload"]["source"] == place

    @pytest.mark.parametrize("type_name", ["join", "leave", "follow", "unfollow"])
    def test_coming_and_going_subscribes_nobody(self, place: dict[str, str], type_name: str) -> None:
        event = event_of(entry(type_name, source=place))
        assert (event.type, event.contact) == (f"line.{type_name}", None)
        assert event.data == {"source": place}

    @pytest.mark.parametrize(("type_name", "field"), [("memberJoined", "joined"), ("memberLeft", "left")])
    def test_members_are_kept_as_they_are(self, place: dict[str, str], type_name: str, field: str) -> None:
        members = {field: {"members": [USER, {"type": "user", "userId": "U2"}]}}
        event = event_of(entry(type_name, source=place, **members))
        assert event.contact is None
        assert event.data == members | {"source": place}


def test_an_empty_webhook_is_a_greeting() -> None:
    outcome = translated()
    assert (outcome.events, outcome.ignored) == ((), ())


def test_a_redelivery_is_the_same_event() -> None:
    first = entry("message", message=TEXT)
    again = first | {"deliveryContext": {"isRedelivery": True}, "replyToken": "another"}
    assert codec.encode(event_of(first)) == codec.encode(event_of(again))
    assert b"replyToken" not in codec.encode(event_of(first))
    assert b"isRedelivery" not in codec.encode(event_of(first))


def test_events_keep_their_order_and_their_own_times() -> None:
    outcome = translated(
        entry("unfollow", timestamp=SENT_AT, webhookEventId="b"),
        entry("follow", timestamp=SENT_AT - 1000, webhookEventId="a"),
    )
    assert [(each.event_id, each.occurred_at) for each in outcome.events] == [
        ("line:b", SENT_AT),
        ("line:a", SENT_AT - 1000),
    ]


class TestWhereItCameTo:
    def test_without_a_configured_account_it_is_the_destination(self) -> None:
        event = event_of(entry("follow"), account=None)
        assert event.contact is not None
        assert event.contact.key == f"line:{DESTINATION}:{USER_ID}"

    @pytest.mark.parametrize("destination", [None, "", "a:b", "a|b", 7, "a\x00b", "x" * 256])
    def test_without_any_account_there_is_no_contact(self, destination: Any) -> None:
        body = {"destination": destination, "events": [entry("follow")]}
        outcome = translate(body, tenant="t", source="s", account=None, provider="p", received_at=RECEIVED_AT)
        assert [(each.type, each.contact, each.account) for each in outcome.events] == [("line.follow", None, None)]

    def test_without_a_provider_nothing_is_vouched_for(self) -> None:
        event = event_of(entry("follow"), provider=None)
        assert event.contact is not None
        assert event.intrinsic == []


class TestIdsAndTimes:
    @pytest.mark.parametrize("given", [None, "", 7, ["a"], "x" * 251])
    def test_without_a_usable_id_equal_content_is_the_same_event(self, given: Any) -> None:
        first = event_of(entry("follow", webhookEventId=given))
        again = event_of(entry("follow", webhookEventId=given, deliveryContext={"isRedelivery": True}))
        other = event_of(entry("follow", webhookEventId=given, timestamp=SENT_AT + 1))
        assert first.event_id.startswith("hash:")
        assert first == again
        assert first.event_id != other.event_id

    def test_the_same_content_at_another_account_is_another_event(self) -> None:
        given = entry("message", message=TEXT, webhookEventId=None)
        assert event_of(given, account="a").event_id != event_of(given, account="b").event_id

    @pytest.mark.parametrize("timestamp", [None, "soon", -SENT_AT, True, 1.5, {}, 10**21])
    def test_without_a_usable_time_it_is_when_it_came_in(self, timestamp: Any) -> None:
        assert event_of(entry("follow", timestamp=timestamp)).occurred_at == RECEIVED_AT

    @pytest.mark.parametrize(
        ("ahead", "expected"),
        [(FUTURE_SLACK_MS, RECEIVED_AT + FUTURE_SLACK_MS), (FUTURE_SLACK_MS + 1, RECEIVED_AT), (10**10, RECEIVED_AT)],
    )
    def test_a_clock_far_ahead_does_not_win(self, ahead: int, expected: int) -> None:
        assert event_of(entry("follow", timestamp=RECEIVED_AT + ahead)).occurred_at == expected


class TestOddContent:
    def test_nul_characters_and_lone_surrogates_are_replaced(self) -> None:
        raw = rb'{"id":"1","type":"text","text":"a\u0000b\ud83dc \ud83c\udf75","k\u0000":"\udfff"}'
        assert _data(entry("message", message=lenient_json(raw))) == {
            "message_id": "1",
            "kind": "text",
            "text": "a\ufffdb\ufffdc 🍵",
            "payload": {"k\ufffd": "\ufffd"},
        }

    @pytest.mark.parametrize("text", ["a" * 1_000_000, "茶" * 1_000_000, "\x01" * 300_000, '"' * 300_000])
    def test_a_text_too_long_for_the_log_is_cut_and_says_so(self, text: str) -> None:
        event = event_of(entry("message", message=TEXT | {"text": text}))
        raw = codec.encode(event)
        data = orjson.loads(codec.data_json(event))
        assert len(raw) <= codec.MAX_EVENT_BYTES
        assert codec.decode(raw) == event
        assert data["payload"] == {"quoteToken": "7hTqv0Rk", "truncated": True}
        assert text.startswith(data["text"])
        assert len(data["text"]) > 10_000

    @pytest.mark.parametrize(
        "given",
        [
            entry("postback", postback={"data": "x" * 400_000}),
            entry("beacon", beacon={"hwid": ["x" * 500] * 1_000}),
            entry("beacon", **{"k" * 300_000: 1}),
            entry("message", message=TEXT | {f"k{n}": "x" * 100 for n in range(5_000)}),
        ],
    )
    def test_whatever_is_too_large_is_cut_and_says_so(self, given: Any) -> None:
        event = event_of(given)
        assert len(codec.encode(event)) <= codec.MAX_EVENT_BYTES
        assert b'"truncated":true' in codec.encode(event)

    @pytest.mark.parametrize("depth", [10, 60, 400])
    def test_deep_nesting_is_cut_off(self, depth: int) -> None:
        nested: Any = "bottom"
        for _ in range(depth):
            nested = [nested]
        event = event_of(entry("beacon", beacon=nested))
        assert codec.decode(codec.encode(event)) == event

    @pytest.mark.parametrize(
        ("given", "kept_as"),
        [
            (entry("message"), "line.message"),
            (entry("message", message="hi"), "line.message"),
            (entry("messageEdited", message=[]), "line.message_edited"),
            (entry("unsend", unsend={}), "line.unsend"),
            (entry("postback", postback="buy"), "line.postback"),
            (entry("follow", source={"type": "user"}), "line.follow"),
            (entry("follow", source="U1"), "line.follow"),
            (entry("follow", source={"type": "user", "userId": "x" * 256}), "line.follow"),
            (entry(""), "line.unknown"),
            ({}, "line.unknown"),
            ({"type": ["message"]}, "line.unknown"),
            (entry("x" * 5_000), f"line.{'x' * 100}"),
        ],
    )
    def test_a_shape_that_nobody_expected_is_kept_unread(self, given: Any, kept_as: str) -> None:
        assert event_of(given).type == kept_as

    @pytest.mark.parametrize("given", [None, 1, "message", [], [[]]])
    def test_an_entry_that_is_no_object_is_ignored_by_its_place(self, given: Any) -> None:
        outcome = translated(entry("follow"), given)
        assert [each.type for each in outcome.events] == ["contact.followed"]
        assert outcome.ignored == (Ignored(1, "not_an_object"),)

    @pytest.mark.parametrize("body", [None, 1, "x", [], {}, {"events": None}, {"events": {"0": {}}}])
    def test_a_body_that_is_no_webhook_is_ignored(self, body: Any) -> None:
        outcome = translate(body, tenant="t", source="s", account=None, provider=None, received_at=RECEIVED_AT)
        assert (outcome.events, outcome.ignored) == ((), (Ignored(0, "not_a_webhook"),))


def test_unknown_types_are_told_apart() -> None:
    outcome = translated(entry("follow"), entry("beacon"))
    assert [each.type for each in outcome.unknown] == ["line.beacon"]
