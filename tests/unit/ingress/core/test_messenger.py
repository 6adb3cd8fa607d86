"""Each kind of Messenger and Instagram webhook, and the events written down by hand that it must become."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from schemas import codec
from schemas.events import AccountRef, Event
from services.ingress.core.translated import Ignored
from tests.support.meta_bodies import (
    IGSID,
    INSTAGRAM,
    OUR_BOT,
    OUR_CAMPAIGNS,
    PAGE,
    PSID,
    RECEIVED_AT,
    SENT_AT,
    data_of,
    event_of,
    events_of,
    instagram,
    key_of,
    page,
    translated,
    turn,
    vouched,
)

KEY = f"facebook:{PAGE}:{PSID}"
IG_KEY = f"instagram:{INSTAGRAM}:{IGSID}"
HELLO = {"mid": "m_1", "text": "有甜一點的茶嗎"}
EXPIRES_AT = RECEIVED_AT + 86_400_000


def _on_page(sender: str = PSID, recipient: str = PAGE, **fields: Any) -> Event:
    return event_of(page(turn(sender, recipient, **fields)))


def _on_instagram(sender: str = IGSID, recipient: str = INSTAGRAM, **fields: Any) -> Event:
    return event_of(instagram(turn(sender, recipient, **fields)))


def _echo(**message: Any) -> Event:
    return _on_page(PAGE, PSID, message={"mid": "m_2", "is_echo": True, "text": "有的"} | message)


def test_a_message_to_the_page_becomes_the_whole_event() -> None:
    assert orjson.loads(codec.encode(_on_page(message=HELLO))) == {
        "event_id": "facebook:m_1",
        "tenant": "qingshan",
        "contact": {"channel": "facebook", "account": PAGE, "uid": PSID},
        "type": "message.received",
        "occurred_at": SENT_AT,
        "received_at": RECEIVED_AT,
        "source": "meta-main",
        "schema_version": 1,
        "intrinsic": [{"type": "facebook_user", "value": f"{PAGE}:{PSID}"}],
        "data": {"message_id": "m_1", "kind": "text", "text": "有甜一點的茶嗎", "payload": {}},
    }


def test_a_message_to_instagram_is_the_same_without_an_identifier() -> None:
    event = _on_instagram(message=HELLO)
    assert (event.type, event.event_id, key_of(event)) == ("message.received", "instagram:m_1", IG_KEY)
    assert (data_of(event), vouched(event)) == (data_of(_on_page(message=HELLO)), [])


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ({"attachments": [{"type": "image", "payload": {"url": "u"}}]}, "image"),
        ({"attachments": [{"type": "audio"}, {"type": "image"}]}, "audio"),
        ({"attachments": [{"type": "story_mention", "payload": {"url": "u"}}]}, "story_mention"),
        ({"attachments": [{"type": "ig_reel", "payload": {"reel_video_id": 1}}]}, "ig_reel"),
        ({"attachments": [{"type": "image"}], "text": "這款"}, "image"),
        ({"attachments": [{"type": "fallback", "url": "u"}], "text": "https://x"}, "text"),
        ({"attachments": [{"type": "fallback"}]}, "fallback"),
        ({"attachments": [{"type": "image"}], "sticker_id": 369239263222822}, "sticker"),
        ({"sticker": {"id": "9"}}, "sticker"),
        ({"is_unsupported": True}, "unsupported"),
        ({"text": "好", "quick_reply": {"payload": "YES"}}, "text"),
        ({"text": "讚", "reply_to": {"story": {"id": "s", "url": "u"}}, "referral": {"source": "ADS"}}, "text"),
        ({"attachments": "x"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_every_kind_of_message_keeps_what_it_brought(message: dict[str, Any], kind: str) -> None:
    payload = {name: value for name, value in message.items() if name != "text"}
    text = {"text": message["text"]} if "text" in message else {}
    data = {"message_id": "m_1", "kind": kind, "payload": payload} | text
    assert data_of(_on_instagram(message={"mid": "m_1"} | message)) == data


class TestAnEcho:
    def test_is_the_teams_message_to_the_recipient(self) -> None:
        event = _echo(app_id=263902037430900)
        assert (event.type, event.event_id, key_of(event)) == ("team.message_sent", "facebook:m_2", KEY)
        assert vouched(event) == [("facebook_user", f"{PAGE}:{PSID}")]
        assert data_of(event) == {
            "purpose": "conversation",
            "message_id": "m_2",
            "text": "有的",
            "payload": {"app_id": 263902037430900},
            "echo": True,
        }

    @pytest.mark.parametrize(
        ("app_id", "purpose"),
        [
            (OUR_BOT, "bot"),
            (int(OUR_BOT), "bot"),
            (OUR_CAMPAIGNS, "broadcast"),
            (1, "conversation"),
            ([], "conversation"),
        ],
        ids=repr,
    )
    def test_of_an_app_of_ours_is_for_what_the_app_sends(self, app_id: Any, purpose: str) -> None:
        assert data_of(_echo(app_id=app_id))["purpose"] == purpose

    def test_of_an_app_with_a_purpose_that_is_none_is_conversation(self) -> None:
        body = page(turn(PAGE, PSID, message={"mid": "m", "is_echo": True, "app_id": 7}))
        assert data_of(event_of(body, senders={"7": "spam"}))["purpose"] == "conversation"

    def test_says_in_its_metadata_what_it_is_for(self) -> None:
        own = orjson.dumps({"onefold": {"purpose": "cart_remarketing", "campaign": "c-7", "agent": "amy"}}).decode()
        data = data_of(_echo(app_id=OUR_BOT, metadata=own))
        assert (data["purpose"], data["campaign"], data["agent"]) == ("cart_remarketing", "c-7", "amy")
        assert data["payload"]["metadata"] == own

    @pytest.mark.parametrize(
        "metadata",
        [
            "",
            "{",
            "[]",
            '{"onefold":1}',
            '{"onefold":{"purpose":"spam"}}',
            '{"onefold":{"purpose":[]}}',
            7,
            ["x"],
            "[" * 4000,
        ],
        ids=lambda value: str(value)[:40],
    )
    def test_with_other_metadata_is_told_by_its_app(self, metadata: Any) -> None:
        assert data_of(_echo(app_id=OUR_BOT, metadata=metadata))["purpose"] == "bot"

    def test_on_instagram_needs_no_app(self) -> None:
        event = _on_instagram(INSTAGRAM, IGSID, message=HELLO | {"is_echo": True})
        assert (event.type, key_of(event)) == ("team.message_sent", IG_KEY)

    def test_without_the_flag_is_still_the_accounts_own(self) -> None:
        event = _on_page(PAGE, PSID, message=HELLO)
        assert (event.type, key_of(event)) == ("team.message_sent", KEY)

    def test_to_oneself_is_to_nobody(self) -> None:
        event = _on_instagram(INSTAGRAM, INSTAGRAM, message=HELLO | {"is_echo": True, "is_self": True})
        assert (event.type, event.contact) == ("team.message_sent", None)

    def test_of_a_deletion_unsends_nothing_of_the_persons(self) -> None:
        event = _on_instagram(INSTAGRAM, IGSID, message={"mid": "m_2", "is_echo": True, "is_deleted": True})
        assert (event.type, event.event_id, key_of(event)) == ("team.message_status", "instagram:m_2:deleted", IG_KEY)
        assert data_of(event) == {"message_id": "m_2", "status": "deleted", "payload": {}}


def test_a_deletion_shares_the_messages_id_and_is_another_event() -> None:
    event = _on_instagram(message={"mid": "m_1", "is_deleted": True})
    assert (event.type, event.event_id, key_of(event)) == ("message.unsent", "instagram:m_1:deleted", IG_KEY)
    assert data_of(event) == {"message_id": "m_1", "kind": "unknown", "payload": {}}


@pytest.mark.parametrize("number", [2, "2"], ids=repr)
def test_an_edit_has_the_new_text(number: Any) -> None:
    event = _on_page(message_edit={"mid": "m_1", "text": "兩盒", "num_edit": number})
    assert (event.type, event.event_id) == ("message.edited", "facebook:m_1:edit:2")
    assert data_of(event) == {"message_id": "m_1", "kind": "text", "text": "兩盒", "payload": {"num_edit": number}}


def test_a_reaction_says_an_emoji() -> None:
    reaction = {"mid": "m_2", "action": "react", "reaction": "love", "emoji": "❤"}
    event = _on_instagram(reaction=reaction)
    assert (event.type, event.event_id) == ("message.received", f"instagram:m_2:reaction:{SENT_AT}")
    assert data_of(event) == {"kind": "reaction", "text": "❤", "payload": {"reaction": reaction}}


class TestATap:
    def test_on_a_button_is_the_bots(self) -> None:
        event = _on_page(postback={"mid": "m_3", "title": "開始使用", "payload": "START"})
        assert (event.type, event.event_id, key_of(event)) == ("bot.interacted", "facebook:m_3:postback", KEY)
        payload = {"mid": "m_3", "title": "開始使用", "payload": "START"}
        assert data_of(event) == {"action": "postback", "payload": payload}

    def test_that_brings_nothing_else_is_its_payload(self) -> None:
        event = _on_page(postback={"payload": "START"})
        assert data_of(event) == {"action": "postback", "payload": "START"}
        assert event.event_id.startswith("hash:")

    def test_keeps_the_link_that_led_to_it(self) -> None:
        referral = {"ref": "bind-482915", "source": "SHORTLINK", "type": "OPEN_THREAD"}
        event = _on_page(postback={"payload": "START", "referral": referral})
        assert data_of(event)["payload"] == {"payload": "START", "referral": referral}

    def test_on_a_link_into_the_conversation_is_one_too(self) -> None:
        referral = {"ref": "bind-482915", "source": "SHORTLINK", "type": "OPEN_THREAD"}
        event = _on_page(referral=referral)
        assert (event.type, data_of(event)) == ("bot.interacted", {"action": "referral", "payload": referral})

    def test_of_somebody_without_an_id_makes_no_contact(self) -> None:
        item = turn(postback={"mid": "m_3", "payload": "START"}) | {"sender": {"user_ref": "ref-1"}}
        event = event_of(page(item))
        assert (event.type, event.contact, event.intrinsic) == ("bot.interacted", None, [])
        assert data_of(event)["payload"]["sender"] == {"user_ref": "ref-1"}


def _optin(**fields: Any) -> Event:
    whole: dict[str, Any] = {"type": "notification_messages", "payload": "promo", "title": "新品通知"}
    whole |= {"notification_messages_token": "t-1", "token_expiry_timestamp": EXPIRES_AT}
    return _on_page(optin={name: value for name, value in (whole | fields).items() if value is not None})


class TestRecurringNotifications:
    @pytest.mark.parametrize("status", [None, "RESUME_NOTIFICATIONS", "RESUME NOTIFICATIONS", "resume"])
    def test_are_begun_and_resumed(self, status: str | None) -> None:
        event = _optin(notification_messages_status=status, notification_messages_frequency="WEEKLY")
        assert (event.type, key_of(event)) == ("notification.opted_in", KEY)
        topic = {"topic": "新品通知", "frequency": "WEEKLY", "token": "t-1", "expires_at": EXPIRES_AT}
        assert data_of(event) == topic | {"payload": {"payload": "promo"}}

    def test_keep_what_else_the_channel_says_of_them(self) -> None:
        rest = {"user_token_status": "NOT_REFRESHED", "notification_messages_timezone": "Asia/Taipei", "payload": "p"}
        assert data_of(_optin(**rest))["payload"] == rest
        bare = _optin(payload=None)
        assert "payload" not in data_of(bare)

    def test_keep_a_time_that_cannot_be_read(self) -> None:
        optin = {"type": "notification_messages", "title": "新品通知"}
        event = event_of(page(turn(optin=optin) | {"timestamp": "gestern"}))
        assert data_of(event)["payload"] == {"timestamp": "gestern"}

    @pytest.mark.parametrize("status", ["STOP_NOTIFICATIONS", "STOP NOTIFICATIONS", " stop notifications"])
    def test_are_stopped_however_it_is_spelt(self, status: str) -> None:
        event = _optin(notification_messages_status=status)
        assert (event.type, data_of(event)["topic"]) == ("notification.opted_out", "新品通知")

    @pytest.mark.parametrize(
        ("fields", "topic"), [({"title": None}, "promo"), ({"title": "", "payload": None}, "default"), ({}, "新品通知")]
    )
    def test_are_on_a_topic(self, fields: Any, topic: str) -> None:
        assert data_of(_optin(**fields))["topic"] == topic

    @pytest.mark.parametrize("expiry", [EXPIRES_AT, str(EXPIRES_AT), EXPIRES_AT // 1000], ids=repr)
    def test_expire_at_one_time_however_it_is_written(self, expiry: Any) -> None:
        assert data_of(_optin(token_expiry_timestamp=expiry))["expires_at"] == EXPIRES_AT

    def test_are_the_same_event_when_told_again(self) -> None:
        assert _optin() == _optin()
        assert len({_optin().event_id, _optin(title="x").event_id, _optin(payload="x").event_id}) == 3

    @pytest.mark.parametrize(
        "fields",
        [
            {"notification_messages_status": "PAUSE"},
            {"notification_messages_status": 1},
            {"type": "one_time_notif_req"},
            {"type": None, "ref": "r"},
            {"type": ["notification_messages"]},
        ],
    )
    def test_that_are_not_understood_opt_nobody_in_or_out(self, fields: Any) -> None:
        event = _optin(**fields)
        assert (event.type, key_of(event)) == ("facebook.optin", KEY)

    def test_of_somebody_without_an_id_are_kept_unread(self) -> None:
        optin = {"type": "notification_messages", "title": "新品通知"}
        event = event_of(page(turn(optin=optin) | {"sender": {"user_ref": "ref-1"}}))
        assert (event.type, event.contact) == ("facebook.optin", None)


class TestStatuses:
    def test_a_watermark_has_no_message(self) -> None:
        event = _on_page(read={"watermark": SENT_AT - 9})
        assert (event.type, key_of(event)) == ("team.message_status", KEY)
        assert data_of(event) == {"status": "read", "payload": {"watermark": SENT_AT - 9}}
        assert event.event_id != _on_page(read={"watermark": SENT_AT - 8}).event_id

    def test_a_message_seen_shares_its_id(self) -> None:
        event = _on_instagram(read={"mid": "m_2"})
        assert (event.event_id, data_of(event)["message_id"]) == ("instagram:m_2:read", "m_2")

    def test_a_delivery_is_of_each_message(self) -> None:
        events = events_of(page(turn(delivery={"mids": ["m_2", "m_4", "x" * 250], "watermark": SENT_AT})))
        assert [data_of(event)["message_id"] for event in events] == ["m_2", "m_4", "x" * 250]
        assert events[0].event_id == "facebook:m_2:delivered"
        assert len({event.event_id for event in events}) == 3
        assert data_of(events[0]) == {"message_id": "m_2", "status": "delivered", "payload": {"watermark": SENT_AT}}

    @pytest.mark.parametrize("mids", [None, [], "m_2", [[]]])
    def test_a_delivery_that_names_none_is_one(self, mids: Any) -> None:
        event = _on_page(delivery={"mids": mids, "watermark": SENT_AT})
        assert data_of(event) == {"status": "delivered", "payload": {"watermark": SENT_AT}}


@pytest.mark.parametrize(
    ("fields", "kept_as"),
    [
        ({"account_linking": {"status": "linked", "authorization_code": "c"}}, "account_linking"),
        ({"pass_thread_control": {"new_owner_app_id": "1"}}, "pass_thread_control"),
        ({"messaging_feedback": {"feedback_screens": []}}, "messaging_feedback"),
        ({"response_feedback": {"feedback": "Good response", "mid": "m"}}, "response_feedback"),
        ({"policyEnforcement": {"action": "block"}, "a": 1}, "policy_enforcement"),
        ({"reaction": {"mid": "m_2", "action": "unreact"}}, "reaction"),
        ({"message": "hi"}, "message"),
        ({"postback": ["x"], "aa": {}}, "postback"),
        ({}, "unknown"),
    ],
)
def test_what_means_nothing_to_us_is_kept(fields: Any, kept_as: str) -> None:
    event = _on_page(**fields)
    assert (event.type, key_of(event), event.data) == (f"facebook.{kept_as}", KEY, fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"read": {"mid": "m_1"}},
        {"delivery": {"mids": ["m_1"]}},
        {"reaction": {"mid": "m_1", "action": "react", "emoji": "❤"}},
        {"message_edit": {"mid": "m_2", "text": "x", "num_edit": 1}},
        {"postback": {"payload": "x"}},
        {"referral": {"ref": "x"}},
        {"optin": {"type": "notification_messages"}},
    ],
)
def test_what_the_team_itself_did_is_not_the_persons(fields: Any) -> None:
    event = event_of(instagram(turn(INSTAGRAM, IGSID, **fields)), account=INSTAGRAM)
    assert (event.type, key_of(event)) == (f"instagram.{next(iter(fields))}", IG_KEY)


def test_an_item_that_tells_two_things_is_two_events() -> None:
    events = events_of(page(turn(message=HELLO, referral={"ref": "r"}, read={"watermark": 1})))
    assert [event.type for event in events] == ["message.received", "bot.interacted", "team.message_status"]
    assert len({event.event_id for event in events}) == 3


class TestStandby:
    def test_is_still_the_persons_message(self) -> None:
        event = event_of(page(standby=[turn(message=HELLO)], messaging=None))
        assert (event.type, event.event_id, key_of(event)) == ("message.received", "facebook:m_1", KEY)
        assert data_of(event)["payload"] == {"standby": True}

    def test_comes_as_a_change_too(self) -> None:
        event = event_of(page(messaging=None, changes=[{"field": "standby", "value": turn(message=HELLO)}]))
        assert data_of(event)["payload"] == {"standby": True}


def _as_change(item: Any) -> Any:
    return page(messaging=None, changes=[{"field": "messages", "value": item}])


def _on_the_entry(item: Any) -> Any:
    return page(messaging=None, field="messages", value=item)


def _in_a_list(item: Any) -> Any:
    return page(messaging=None, field="messages", value=[item])


def _in_an_array(item: Any) -> Any:
    return [page(item)]


def _the_entry_alone(item: Any) -> Any:
    return page(item)["entry"][0]


def _the_entry_as_an_object(item: Any) -> Any:
    return {"object": "page", "entry": _the_entry_alone(item)}


def _the_item_alone(item: Any) -> Any:
    return item


def _the_change_alone(item: Any) -> Any:
    return {"field": "messages", "value": item}


@pytest.mark.parametrize(
    "wrap",
    [
        _as_change,
        _on_the_entry,
        _in_a_list,
        _in_an_array,
        _the_entry_alone,
        _the_entry_as_an_object,
        _the_item_alone,
        _the_change_alone,
    ],
)
@pytest.mark.parametrize(
    "item", [turn(message=HELLO), turn(PAGE, PSID, message=HELLO | {"is_echo": True})], ids=["in", "out"]
)
def test_however_it_is_wrapped_it_is_the_same_event(wrap: Callable[[Any], Any], item: Any) -> None:
    assert event_of(wrap(item)) == event_of(page(item))


COMMENT = {"id": "c_1", "from": {"id": IGSID, "username": "anna"}, "text": "好美", "media": {"id": "9"}}


class TestComments:
    @pytest.mark.parametrize("field", ["comments", "live_comments"])
    def test_on_instagram_are_kept_with_their_writer(self, field: str) -> None:
        event = event_of(instagram(messaging=None, time=SENT_AT // 1000, changes=[{"field": field, "value": COMMENT}]))
        assert (event.type, event.event_id) == (f"instagram.{field}", f"instagram:{field}:c_1")
        assert (key_of(event), event.occurred_at, event.data) == (IG_KEY, SENT_AT // 1000 * 1000, COMMENT)

    def test_by_the_account_itself_are_nobodys(self) -> None:
        value = COMMENT | {"from": {"id": INSTAGRAM}}
        assert event_of(instagram(messaging=None, field="comments", value=value)).contact is None

    @pytest.mark.parametrize("field", ["mentions", "story_insights"])
    def test_that_mention_the_account_are_the_accounts(self, field: str) -> None:
        event = event_of(instagram(messaging=None, changes=[{"field": field, "value": {"media_id": "1"}}]))
        assert (event.type, event.contact) == (f"instagram.{field}", None)
        assert event.account == AccountRef(channel="instagram", account=INSTAGRAM)

    def test_on_a_page_are_kept_without_a_contact(self) -> None:
        value = {"item": "comment", "from": {"id": "12", "name": "Anna"}, "comment_id": "9"}
        event = event_of(page(messaging=None, changes=[{"field": "feed", "value": value}]))
        assert (event.type, event.contact, event.data) == ("facebook.feed", None, value)
        assert event.account == AccountRef(channel="facebook", account=PAGE)


class TestWhichAccount:
    def test_is_the_recipient_where_the_persons_id_is_printed_as_the_entrys(self) -> None:
        event = event_of(instagram(turn(IGSID, INSTAGRAM, postback={"mid": "m", "payload": "P"}), id=IGSID))
        assert key_of(event) == IG_KEY

    def test_of_a_page_is_the_entrys_even_so(self) -> None:
        event = event_of(page(turn(PAGE, PSID, postback={"mid": "m", "payload": "P"})))
        assert (event.type, key_of(event)) == ("facebook.postback", KEY)

    def test_that_is_not_the_configured_one_is_ignored(self) -> None:
        body = page(turn(message=HELLO), turn(message=HELLO | {"mid": "m_9"}))
        other = page(turn(PSID, "9", message=HELLO), id="9")
        outcome = translated({"object": "page", "entry": body["entry"] + other["entry"]}, account="9")
        assert [key_of(event) for event in outcome.events] == [f"facebook:9:{PSID}"]
        assert outcome.ignored == (Ignored(0, "other_account"), Ignored(0, "other_account"))

    @pytest.mark.parametrize(
        "item", [turn(message=HELLO), turn(PAGE, PSID, message=HELLO | {"is_echo": True})], ids=["in", "out"]
    )
    def test_is_the_configured_one_where_the_entry_names_none(self, item: Any) -> None:
        assert key_of(event_of(page(item, id=None), account=PAGE)) == KEY

    @pytest.mark.parametrize("account", ["a:b", "a|b", "", 1.5, [], "x" * 256], ids=lambda value: str(value)[:9])
    def test_that_can_be_none_makes_no_contact(self, account: Any) -> None:
        event = event_of(page(turn(PSID, account, message=HELLO), id=account))
        assert (event.type, event.contact, event.intrinsic) == ("message.received", None, [])

    @pytest.mark.parametrize("uid", ["", None, [], {}, 1.5, "x" * 256], ids=lambda value: repr(value)[:9])
    def test_a_person_whose_id_is_none_is_no_contact(self, uid: Any) -> None:
        assert event_of(page(turn(uid, message=HELLO))).contact is None

    def test_ids_may_be_numbers(self) -> None:
        assert event_of(page(turn(int(PSID), int(PAGE), message=HELLO), id=int(PAGE))) == _on_page(message=HELLO)


@pytest.mark.parametrize("timestamp", [SENT_AT, str(SENT_AT), float(SENT_AT)], ids=repr)
def test_the_time_is_the_same_however_it_is_written(timestamp: Any) -> None:
    assert _on_page(message=HELLO, timestamp=timestamp).occurred_at == SENT_AT


def test_a_time_in_seconds_is_read_as_such() -> None:
    assert _on_page(message=HELLO, timestamp=str(SENT_AT // 1000)).occurred_at == SENT_AT // 1000 * 1000


@pytest.mark.parametrize("timestamp", ["", "TIMESTAMP", None, -5, True, [], 10**21], ids=repr)
def test_without_a_usable_time_it_is_the_entrys(timestamp: Any) -> None:
    assert _on_page(message=HELLO, timestamp=timestamp).occurred_at == SENT_AT + 500


@pytest.mark.parametrize("mid", [None, "", 7, "x" * 250], ids=lambda value: str(value)[:9])
def test_without_a_usable_id_equal_content_is_the_same_event(mid: Any) -> None:
    first, other = _on_page(message={"mid": mid, "text": "a"}), _on_page(message={"mid": mid, "text": "b"})
    assert first.event_id.startswith("hash:")
    assert first == _on_page(message={"mid": mid, "text": "a"})
    assert first.event_id != other.event_id


@pytest.mark.parametrize("echo", [True, False], ids=["out", "in"])
def test_whatever_is_too_large_is_cut_and_says_so(echo: bool) -> None:
    message = {"mid": "m_1", "is_echo": echo, "text": "茶" * 400_000, "attachments": [{"type": "x" * 300_000}]}
    event = _on_page(*((PAGE, PSID) if echo else (PSID, PAGE)), message=message)
    assert len(codec.encode(event)) <= codec.MAX_EVENT_BYTES
    assert data_of(event)["payload"]["truncated"] is True


def test_what_is_known_of_a_sender_beside_the_id_is_kept() -> None:
    sender = {"id": PSID, "user_ref": "checkbox-1"}
    event = event_of(page(turn(message={"mid": "m1", "text": "嗨"}) | {"sender": sender}))
    assert (key_of(event), data_of(event)["payload"]) == (f"facebook:{PAGE}:{PSID}", {"sender": sender})
