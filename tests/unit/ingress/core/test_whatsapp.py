"""Each kind of WhatsApp webhook, and the events written down by hand that it must become."""

from typing import Any

import orjson
import pytest

from schemas import codec
from schemas.events import AccountRef
from services.ingress.core.translated import Ignored
from tests.support.contact_records import record_of
from tests.support.meta_bodies import (
    BSUID,
    NEW_BSUID,
    NEW_PHONE,
    NUMBER,
    OTHER_NUMBER,
    OUR_BOT,
    OWN_PHONE,
    PARENT,
    PHONE,
    PORTFOLIO,
    RECEIVED_AT,
    SECONDS,
    SENT_AT,
    WABA,
    change,
    data_of,
    event_of,
    events_of,
    hello,
    key_of,
    known,
    translated,
    vouched,
    whatsapp,
    whatsapp_message,
)

KEY = f"whatsapp:{NUMBER}:{PHONE}"
NEW_KEY = f"whatsapp:{NUMBER}:{NEW_PHONE}"
BSUID_KEY = f"whatsapp:{NUMBER}:{BSUID}"
HAS_PHONE = ("phone", f"+{PHONE}")
HAS_NEW_PHONE = ("phone", f"+{NEW_PHONE}")
HAS_BSUID = ("whatsapp_user", f"{PORTFOLIO}:{BSUID}")
HAS_NEW_BSUID = ("whatsapp_user", f"{PORTFOLIO}:{NEW_BSUID}")


def _messages(*messages: Any, **lists: Any) -> dict[str, Any]:
    return whatsapp(change(messages=list(messages), **lists))


def _content(message: Any) -> tuple[str, Any]:
    event = event_of(_messages(message))
    return event.type, data_of(event)


def test_a_text_message_becomes_the_whole_event() -> None:
    event = event_of(_messages(hello(), contacts=[known(bsuid=BSUID)]))
    assert orjson.loads(codec.encode(event)) == {
        "event_id": "whatsapp:wamid.A1",
        "tenant": "qingshan",
        "contact": {"channel": "whatsapp", "account": NUMBER, "uid": PHONE},
        "type": "message.received",
        "occurred_at": SECONDS * 1000,
        "received_at": RECEIVED_AT,
        "source": "meta-main",
        "schema_version": 1,
        "intrinsic": [
            {"type": "phone", "value": f"+{PHONE}"},
            {"type": "whatsapp_user", "value": f"{PORTFOLIO}:{BSUID}"},
        ],
        "data": {"message_id": "wamid.A1", "kind": "text", "text": "請問還有現貨嗎", "payload": {}},
    }


@pytest.mark.parametrize(
    ("fields", "text", "payload"),
    [
        ({"image": {"id": "9", "caption": "這款", "url": "u"}}, "這款", {"image": {"id": "9", "url": "u"}}),
        ({"audio": {"id": "9", "voice": True}}, None, {"audio": {"id": "9", "voice": True}}),
        ({"sticker": {"id": "9", "animated": False}}, None, {"sticker": {"id": "9", "animated": False}}),
        ({"document": {"id": "9", "filename": "訂單.pdf"}}, None, {"document": {"id": "9", "filename": "訂單.pdf"}}),
        ({"location": {"latitude": 25.03, "name": "店"}}, None, {"location": {"latitude": 25.03, "name": "店"}}),
        ({"contacts": [{"phones": [{"phone": "1"}]}]}, None, {"contacts": [{"phones": [{"phone": "1"}]}]}),
        (
            {"order": {"catalog_id": "3", "text": "送禮", "product_items": [{"quantity": 2}]}},
            "送禮",
            {"order": {"catalog_id": "3", "product_items": [{"quantity": 2}]}},
        ),
        (
            {"unsupported": {"type": "poll"}, "errors": [{"code": 131051}]},
            None,
            {"unsupported": {"type": "poll"}, "errors": [{"code": 131051}]},
        ),
        ({"hologram": 7}, None, {"hologram": 7}),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_every_kind_of_message_keeps_what_it_brought(fields: Any, text: str | None, payload: Any) -> None:
    kind = next(iter(fields))
    data = {"message_id": "wamid.A1", "kind": kind, "payload": payload} | ({"text": text} if text else {})
    assert _content(whatsapp_message(kind, **fields)) == ("message.received", data)


def test_a_message_keeps_the_ad_that_led_to_it_and_what_it_answers() -> None:
    beside = {"referral": {"source_type": "ad", "ctwa_clid": "A-x"}, "context": {"id": "wamid.Z", "from": OWN_PHONE}}
    assert _content(hello(**beside))[1]["payload"] == beside


@pytest.mark.parametrize(
    ("message", "data"),
    [
        (
            whatsapp_message("button", button={"payload": "STOCK", "text": "查庫存"}, context={"id": "wamid.Z"}),
            {"action": "button", "payload": {"payload": "STOCK", "text": "查庫存", "context": {"id": "wamid.Z"}}},
        ),
        (
            whatsapp_message(
                "interactive", interactive={"type": "button_reply", "button_reply": {"id": "yes", "title": "要"}}
            ),
            {"action": "button_reply", "payload": {"id": "yes", "title": "要"}},
        ),
        (
            whatsapp_message(
                "interactive", interactive={"type": "list_reply", "list_reply": {"id": "r1", "title": "高山茶"}}
            ),
            {"action": "list_reply", "payload": {"id": "r1", "title": "高山茶"}},
        ),
        (
            whatsapp_message(
                "interactive", interactive={"type": "nfm_reply", "nfm_reply": {"response_json": "{}", "name": "flow"}}
            ),
            {"action": "nfm_reply", "payload": {"response_json": "{}", "name": "flow"}},
        ),
    ],
    ids=lambda value: value.get("action", ""),
)
def test_a_tap_is_the_bots(message: Any, data: Any) -> None:
    assert _content(message) == ("bot.interacted", data)


def test_a_reaction_says_an_emoji_and_taking_it_back_says_nothing() -> None:
    reaction = {"message_id": "wamid.Z", "emoji": "🍵"}
    data = {"message_id": "wamid.A1", "kind": "reaction", "text": "🍵", "payload": {"reaction": reaction}}
    assert _content(whatsapp_message("reaction", reaction=reaction)) == ("message.received", data)
    assert _content(whatsapp_message("reaction", reaction={"message_id": "wamid.Z"}))[0] == "whatsapp.reaction"
    assert (
        _content(whatsapp_message("reaction", reaction={"message_id": "wamid.Z", "emoji": ""}))[0]
        == "whatsapp.reaction"
    )


def test_an_edited_message_is_named_by_the_first_ones_id() -> None:
    edit = {"original_message_id": "wamid.Z", "message": {"type": "text", "text": {"body": "兩盒"}}}
    event = event_of(_messages(whatsapp_message("edit", edit=edit)))
    assert (event.type, event.event_id) == ("message.edited", "whatsapp:wamid.A1")
    assert data_of(event) == {"message_id": "wamid.Z", "kind": "text", "text": "兩盒", "payload": {}}


def test_a_revoked_message_is_unsent() -> None:
    event = event_of(_messages(whatsapp_message("revoke", revoke={"original_message_id": "wamid.Z"})))
    assert (event.type, event.event_id) == ("message.unsent", "whatsapp:wamid.A1")
    assert data_of(event) == {"message_id": "wamid.Z", "kind": "unknown", "payload": {}}


@pytest.mark.parametrize(
    "message",
    [
        whatsapp_message("interactive"),
        whatsapp_message("interactive", interactive={"type": "button_reply"}),
        whatsapp_message("interactive", interactive={"type": ["x"]}),
        whatsapp_message("button", button="x"),
        whatsapp_message("edit", edit={"original_message_id": "wamid.Z"}),
        whatsapp_message("revoke", revoke={}),
        whatsapp_message("request_welcome"),
    ],
)
def test_a_shape_that_nobody_expected_is_kept_unread(message: Any) -> None:
    event = event_of(_messages(message))
    assert (event.type, event.data) == (f"whatsapp.{message['type']}", message)
    assert key_of(event) == KEY


class TestWhoItIs:
    def test_a_hidden_number_leaves_the_bsuid(self) -> None:
        event = event_of(_messages(hello(phone=None, from_user_id=BSUID), contacts=[known(None, BSUID)]))
        assert (key_of(event), vouched(event)) == (BSUID_KEY, [HAS_BSUID])

    def test_without_a_portfolio_bsuids_are_the_business_accounts(self) -> None:
        event = event_of(_messages(hello(from_user_id=BSUID)), provider=None)
        assert vouched(event) == [HAS_PHONE, ("whatsapp_user", f"{WABA}:{BSUID}")]

    def test_the_roll_adds_what_the_message_left_out(self) -> None:
        event = event_of(_messages(hello(from_user_id=BSUID, phone=None), contacts=[known(PHONE, BSUID)]))
        assert (key_of(event), vouched(event)) == (KEY, [HAS_PHONE, HAS_BSUID])

    def test_a_message_that_names_nobody_is_of_the_only_one_there(self) -> None:
        event = event_of(_messages(hello(phone=None), contacts=[known(None, BSUID)]))
        assert key_of(event) == BSUID_KEY

    def test_a_wa_id_that_is_not_the_phone_names_the_contact_but_is_no_phone(self) -> None:
        event = event_of(_messages(hello(), contacts=[known(NEW_PHONE)]))
        assert (key_of(event), vouched(event)) == (NEW_KEY, [HAS_PHONE])
        assert data_of(event)["payload"] == {"wa_id": NEW_PHONE}

    def test_the_user_name_and_the_parent_id_are_kept_with_the_message(self) -> None:
        entry = known(None, BSUID, name="安娜", username="@anna") | {"parent_user_id": PARENT}
        message, profile = events_of(_messages(hello(phone=None, from_user_id=BSUID), contacts=[entry]))
        assert data_of(message)["payload"] == {"username": "@anna", "parent_user_id": PARENT}
        assert data_of(profile) == {"display_name": "安娜"}

    def test_of_several_people_each_is_matched_with_their_own(self) -> None:
        people = [known(NEW_PHONE, NEW_BSUID), known(PHONE, BSUID)]
        first, second, third = events_of(
            _messages(hello(wamid="1"), hello(wamid="2", phone=NEW_PHONE), hello(wamid="3", phone="1"), contacts=people)
        )
        assert (key_of(first), vouched(first)) == (KEY, [HAS_PHONE, HAS_BSUID])
        assert (key_of(second), vouched(second)) == (NEW_KEY, [HAS_NEW_PHONE, HAS_NEW_BSUID])
        assert (key_of(third), vouched(third)) == (f"whatsapp:{NUMBER}:1", [])

    def test_of_several_senders_none_is_taken_for_the_only_one_there(self) -> None:
        messages = hello(wamid="1", phone="886955555555"), hello(wamid="2", phone=NEW_PHONE)
        first, second = events_of(_messages(*messages, contacts=[known(PHONE)]))
        assert (key_of(first), key_of(second)) == (f"whatsapp:{NUMBER}:886955555555", NEW_KEY)

    def test_another_persons_entry_adds_nothing(self) -> None:
        event = event_of(_messages(hello(from_user_id=BSUID), contacts=[known(NEW_PHONE, NEW_BSUID)]))
        assert (key_of(event), vouched(event)) == (KEY, [HAS_PHONE, HAS_BSUID])

    @pytest.mark.parametrize("phone", [int(PHONE), f"+{PHONE}"], ids=repr)
    def test_a_number_is_the_same_however_it_is_written(self, phone: Any) -> None:
        event = event_of(_messages(hello(phone=phone)))
        assert (key_of(event), vouched(event)) == (KEY, [HAS_PHONE])

    @pytest.mark.parametrize("phone", ["0912345678", "12345", "1" * 16, "anna", "+"])
    def test_what_looks_like_no_phone_is_vouched_for_as_none(self, phone: str) -> None:
        assert vouched(event_of(_messages(hello(phone=phone)))) == []

    def test_in_a_group_nobody_becomes_a_contact(self) -> None:
        event = event_of(_messages(hello(group_id="G1"), contacts=[known(name="安娜")]))
        assert (event.type, event.contact, event.intrinsic) == ("message.received", None, [])
        assert event.account == AccountRef(channel="whatsapp", account=NUMBER)
        metadata = {"display_phone_number": OWN_PHONE, "phone_number_id": NUMBER}
        author = {"from": PHONE, "profile": {"name": "安娜"}}
        assert data_of(event)["payload"] == {"group_id": "G1", "metadata": metadata} | author


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5215512345678", "525512345678"),
        ("5491123456789", "541123456789"),
        ("5511987654321", "551187654321"),
        ("2290197000000", "22997000000"),
        ("2250712345678", "22512345678"),
    ],
)
class TestANumberWithTwoSpellings:
    def test_is_one_contact_whichever_the_message_has(self, one: str, other: str) -> None:
        bodies = [
            _messages(hello(phone=phone), contacts=[known(wa_id)]) for phone in (one, other) for wa_id in (one, other)
        ]
        assert {key_of(events_of(body)[0]) for body in bodies} == {f"whatsapp:{NUMBER}:{other}"}

    def test_is_the_same_contact_in_an_echo_and_a_status(self, one: str, other: str) -> None:
        echoes = [{"from": OWN_PHONE, "to": phone, "id": "wamid.E1", "type": "text"} for phone in (one, other)]
        statuses = [_status(recipient_id=phone) for phone in (one, other)]
        events = events_of(whatsapp(change(message_echoes=echoes), change(statuses=statuses)))
        assert {key_of(event) for event in events} == {f"whatsapp:{NUMBER}:{other}"}

    def test_has_its_conversation_and_the_teams_time_together(self, one: str, other: str) -> None:
        message = _messages(hello(phone=other), contacts=[known(one, name="Ana")])
        echo = {"from": OWN_PHONE, "to": one, "id": "wamid.E1", "timestamp": str(SECONDS + 9), "type": "text"}
        told = [
            message,
            whatsapp(change(message_echoes=[echo])),
            whatsapp(change(statuses=[_status(recipient_id=one)])),
        ]
        row = record_of(*(event for body in told for event in events_of(body))).contact
        assert (row.last_customer_at, row.last_team_at) == (SECONDS * 1000, (SECONDS + 9) * 1000)
        assert (row.subscribed, row.display_name) == (True, "Ana")

    def test_is_vouched_for_as_the_channel_wrote_it(self, one: str, other: str) -> None:
        assert vouched(event_of(_messages(hello(phone=one)))) == [("phone", f"+{one}")]
        assert vouched(event_of(_messages(hello(phone=other)))) == [("phone", f"+{other}")]

    def test_finds_the_bsuid_in_the_roll(self, one: str, other: str) -> None:
        people = [known(other, BSUID), known(NEW_PHONE, NEW_BSUID)]
        event = event_of(_messages(hello(phone=one), contacts=people))
        assert vouched(event) == [("phone", f"+{one}"), HAS_BSUID]

    def test_did_not_change_by_being_written_otherwise(self, one: str, other: str) -> None:
        assert event_of(_moved(phone=one, wa_id=other)).type == "whatsapp.user_changed_number"

    def test_of_the_business_is_its_own_in_both(self, one: str, other: str) -> None:
        body = _messages(hello(phone=one, to=PHONE))
        body["entry"][0]["changes"][0]["value"]["metadata"]["display_phone_number"] = f"+{other}"
        assert (event_of(body).type, key_of(event_of(body))) == ("team.message_sent", KEY)


def _card(*phones: Any, **fields: Any) -> Any:
    return whatsapp_message("contacts", phone=None, from_user_id=BSUID, contacts=[{"phones": list(phones)} | fields])


class TestACard:
    @pytest.mark.parametrize("wa_id", [None, PHONE, NEW_PHONE])
    def test_that_answers_our_request_claims_the_number(self, wa_id: str | None) -> None:
        card = _card({"phone": f"+{PHONE}", "wa_id": wa_id}, origin="contact_request")
        received, bound = events_of(_messages(card))
        assert (received.type, vouched(received)) == ("message.received", [HAS_BSUID])
        assert (bound.type, bound.event_id, key_of(bound)) == ("identity.bound", "whatsapp:wamid.A1:phone", BSUID_KEY)
        identifiers = [{"type": "phone", "value": f"+{PHONE}", "assurance": "claimed"}]
        assert data_of(bound) == {"identifiers": identifiers, "via": "channel"}

    def test_with_more_numbers_than_the_log_takes_is_kept_unread(self) -> None:
        phones = [{"phone": str(886_900_000_000 + n)} for n in range(5_000)]
        received, kept = events_of(_messages(_card(*phones, origin="contact_request")))
        assert (received.type, kept.type, key_of(kept)) == ("message.received", "whatsapp.messages", BSUID_KEY)

    def test_says_where_it_is_from_for_all_cards_of_the_message(self) -> None:
        message = _card({"phone": PHONE}, {"phone": NEW_PHONE}) | {"origin": "contact_request"}
        _, bound = events_of(_messages(message))
        assert [one["value"] for one in data_of(bound)["identifiers"]] == [f"+{PHONE}", f"+{NEW_PHONE}"]

    @pytest.mark.parametrize(
        "message",
        [
            _card({"phone": PHONE}),
            _card({"phone": PHONE}, origin="other"),
            _card({"phone": "home"}, "x", origin="contact_request"),
            _card(origin="contact_request"),
            whatsapp_message(
                "contacts", phone=None, contacts=[7, {"origin": "contact_request", "phones": [{"phone": PHONE}]}]
            ),
        ],
    )
    def test_of_any_other_kind_claims_nothing(self, message: Any) -> None:
        assert event_of(_messages(message)).type == "message.received"


class TestTheName:
    def test_comes_as_its_own_event_beside_the_message(self) -> None:
        message, profile = events_of(_messages(hello(), contacts=[known(name="安娜", username="@anna")]))
        assert message.type == "message.received"
        assert (profile.type, profile.event_id) == ("profile.updated", "whatsapp:wamid.A1:profile")
        assert (key_of(profile), profile.occurred_at) == (KEY, message.occurred_at)
        assert (data_of(profile), profile.intrinsic) == ({"display_name": "安娜"}, [])

    def test_is_the_user_name_where_there_is_no_other(self) -> None:
        _, profile = events_of(_messages(hello(), contacts=[known(username="@anna")]))
        assert data_of(profile) == {"display_name": "@anna"}

    def test_is_not_told_by_statuses(self) -> None:
        body = whatsapp(change(contacts=[known(name="安娜")], statuses=[_status()]))
        assert event_of(body).type == "team.message_status"

    @pytest.mark.parametrize("name", ["", 7, None, ["x"]])
    def test_that_is_none_is_left_out(self, name: Any) -> None:
        event = event_of(_messages(hello(), contacts=[{"wa_id": PHONE, "profile": {"name": name}}]))
        assert event.type == "message.received"

    def test_without_end_is_cut(self) -> None:
        _, profile = events_of(_messages(hello(), contacts=[known(name="茶" * 300_000)]))
        assert data_of(profile) == {"display_name": "茶" * 1000}


def _status(status: str = "delivered", **fields: Any) -> dict[str, Any]:
    return {"id": "wamid.S1", "status": status, "timestamp": str(SECONDS), "recipient_id": PHONE} | fields


class TestStatuses:
    @pytest.mark.parametrize("status", ["sent", "delivered", "read", "failed", "played"])
    def test_each_is_an_event_of_its_own(self, status: str) -> None:
        errors = {"errors": [{"code": 131049, "title": "not delivered"}], "biz_opaque_callback_data": "c1"}
        event = event_of(whatsapp(change(statuses=[_status(status, **errors)])))
        assert (event.type, event.event_id) == ("team.message_status", f"whatsapp:wamid.S1:{status}")
        assert (key_of(event), vouched(event)) == (KEY, [HAS_PHONE])
        assert data_of(event) == {"message_id": "wamid.S1", "status": status, "payload": errors}

    def test_one_without_a_phone_is_the_bsuids(self) -> None:
        status = _status(recipient_id=None, recipient_user_id=BSUID)
        event = event_of(whatsapp(change(statuses=[status], contacts=[known(None, BSUID)])))
        assert (key_of(event), vouched(event)) == (BSUID_KEY, [HAS_BSUID])

    def test_in_a_group_each_participants_is_told_apart(self) -> None:
        group = {"recipient_type": "group", "recipient_id": "G1"}
        statuses = [_status("read", recipient_participant_id=one, **group) for one in (PHONE, NEW_PHONE)]
        first, second = events_of(whatsapp(change(statuses=statuses)))
        assert (first.contact, second.contact) == (None, None)
        assert first.event_id == f"whatsapp:wamid.S1:read:{PHONE}"
        assert second.event_id == f"whatsapp:wamid.S1:read:{NEW_PHONE}"
        assert data_of(first)["payload"]["recipient_id"] == "G1"

    @pytest.mark.parametrize(
        ("fields", "kept_as"), [({"type": "call"}, "call_status"), ({"status": None}, "message_status")]
    )
    def test_of_something_else_is_kept_unread(self, fields: Any, kept_as: str) -> None:
        event = event_of(whatsapp(change(statuses=[_status() | fields])))
        assert (event.type, key_of(event)) == (f"whatsapp.{kept_as}", KEY)

    @pytest.mark.parametrize("code", [131050, "131050"], ids=repr)
    def test_that_says_the_person_stopped_marketing_opts_out_of_all_of_it(self, code: Any) -> None:
        failed = _status("failed", errors=[{"code": code, "title": "stopped"}])
        status, opted_out = events_of(whatsapp(change(statuses=[failed])))
        assert (status.type, data_of(status)["status"]) == ("team.message_status", "failed")
        assert (opted_out.type, opted_out.event_id) == ("marketing.opted_out", "whatsapp:wamid.S1:failed:opted_out")
        assert data_of(opted_out) == {"kinds": ["broadcast", "cart_remarketing", "web_push"], "by": "customer"}
        assert (key_of(opted_out), opted_out.occurred_at) == (KEY, SECONDS * 1000)

    @pytest.mark.parametrize("code", [131049, 131026, 130472, None])
    def test_that_failed_for_another_reason_opts_nobody_out(self, code: Any) -> None:
        assert event_of(whatsapp(change(statuses=[_status("failed", errors=[{"code": code}, 7])]))).type == (
            "team.message_status"
        )

    @pytest.mark.parametrize(
        ("parent", "where"),
        [
            (PARENT, "roll"),
            ("TW.11815799212886844830", "roll"),
            ("TW.11815799212886844830", "item"),
        ],
    )
    def test_addressed_to_a_parent_id_is_the_persons(self, parent: str, where: str) -> None:
        entry = known(PHONE, BSUID) | ({"parent_user_id": parent} if where == "roll" else {})
        status = _status(recipient_id=None, recipient_user_id=parent)
        status |= {"parent_recipient_user_id": parent} if where == "item" else {}
        event = event_of(whatsapp(change(statuses=[status], contacts=[entry])))
        assert (key_of(event), vouched(event)) == (KEY, [HAS_PHONE, HAS_BSUID])
        assert data_of(event)["payload"]["parent_user_id"] == parent

    def test_addressed_to_the_parent_id_of_nobody_known_makes_no_contact(self) -> None:
        event = event_of(whatsapp(change(statuses=[_status(recipient_id=None, recipient_user_id=PARENT)])))
        assert (event.type, event.contact) == ("team.message_status", None)
        assert data_of(event)["payload"]["recipient_user_id"] == PARENT

    def test_of_a_number_and_a_parent_id_is_the_numbers(self) -> None:
        event = event_of(whatsapp(change(statuses=[_status(recipient_user_id=PARENT)])))
        assert (key_of(event), vouched(event)) == (KEY, [HAS_PHONE])


def _preference(value: str = "stop", **fields: Any) -> dict[str, Any]:
    whole = {"wa_id": PHONE, "category": "marketing_messages", "value": value, "timestamp": SECONDS}
    return whatsapp(change("user_preferences", user_preferences=[whole | fields]))


class TestPreferences:
    @pytest.mark.parametrize(
        ("value", "type_name"), [("stop", "marketing.opted_out"), ("resume", "marketing.opted_in")]
    )
    def test_stop_and_resume_all_marketing(self, value: str, type_name: str) -> None:
        event = event_of(_preference(value))
        assert (event.type, key_of(event), event.occurred_at) == (type_name, KEY, SECONDS * 1000)
        assert data_of(event) == {"kinds": ["broadcast", "cart_remarketing", "web_push"], "by": "customer"}

    def test_keep_what_else_the_channel_says_of_them(self) -> None:
        said = {"detail": "User requested to stop marketing messages", "timestamp": "gestern"}
        assert data_of(event_of(_preference(**said)))["payload"] == said

    def test_of_somebody_without_a_phone(self) -> None:
        event = event_of(_preference(wa_id=None, user_id=BSUID))
        assert (key_of(event), vouched(event)) == (BSUID_KEY, [HAS_BSUID])

    def test_have_no_id_so_equal_content_is_the_same_event(self) -> None:
        assert event_of(_preference()).event_id == event_of(_preference()).event_id
        others = [_preference("resume"), _preference(timestamp=SECONDS + 1), _preference(wa_id=NEW_PHONE)]
        assert len({event_of(body).event_id for body in [_preference(), *others]}) == 4

    def test_came_as_a_system_message_once(self) -> None:
        system = {"type": "user_preference_changed", "marketing": "stop"}
        assert _content(whatsapp_message("system", system=system))[0] == "marketing.opted_out"

    @pytest.mark.parametrize(
        "fields",
        [{"value": "maybe"}, {"value": ["stop"]}, {"category": "other"}, {"wa_id": None}],
        ids=["value", "list", "category", "nobody"],
    )
    def test_that_are_not_understood_stop_nothing(self, fields: Any) -> None:
        assert event_of(_preference(**fields)).type == "whatsapp.user_preferences"


def _moved(kind: str = "user_changed_number", phone: str | None = PHONE, more: Any = None, **system: Any) -> Any:
    return _messages(whatsapp_message("system", phone=phone, system={"type": kind} | system, **(more or {})))


class TestANewNumber:
    @pytest.mark.parametrize(
        ("kind", "field"),
        [
            ("user_changed_number", "wa_id"),
            ("user_changed_number", "new_wa_id"),
            ("customer_changed_number", "new_wa_id"),
        ],
    )
    def test_takes_the_old_ones_place_and_is_bound_to_it(self, kind: str, field: str) -> None:
        body = f"Anna changed from {PHONE} to {NEW_PHONE}"
        old, new = events_of(_moved(kind, **{field: NEW_PHONE}, body=body))
        assert (old.type, old.event_id, key_of(old)) == ("contact.superseded", "whatsapp:wamid.A1", KEY)
        assert data_of(old) == {
            "by": {"channel": "whatsapp", "account": NUMBER, "uid": NEW_PHONE},
            "payload": {"system": {"type": kind, field: NEW_PHONE, "body": body}},
        }
        assert vouched(old) == [HAS_PHONE]
        assert (new.type, new.event_id, key_of(new)) == ("identity.bound", "whatsapp:wamid.A1:bound", NEW_KEY)
        assert data_of(new) == {
            "identifiers": [],
            "linked_contact": {"channel": "whatsapp", "account": NUMBER, "uid": PHONE},
            "via": "channel",
        }
        assert vouched(new) == [HAS_NEW_PHONE]

    def test_is_not_mistaken_for_the_old_one(self) -> None:
        message = whatsapp_message("system", system={"type": "user_changed_number", "wa_id": NEW_PHONE})
        old, new = events_of(_messages(message, contacts=[known(NEW_PHONE, NEW_BSUID)]))
        assert (key_of(old), key_of(new)) == (KEY, NEW_KEY)

    def test_brings_a_new_bsuid(self) -> None:
        old, new = events_of(_moved(wa_id=NEW_PHONE, user_id=NEW_BSUID, more={"from_user_id": BSUID}))
        assert (vouched(old), vouched(new)) == ([HAS_PHONE, HAS_BSUID], [HAS_NEW_PHONE, HAS_NEW_BSUID])

    def test_that_is_hidden_is_told_by_the_bsuids_alone(self) -> None:
        body = f"User Anna changed from {BSUID} to {NEW_BSUID}"
        old, new = events_of(_moved("user_changed_user_id", None, user_id=NEW_BSUID, body=body))
        assert (old.type, key_of(old), vouched(old)) == ("contact.superseded", BSUID_KEY, [HAS_BSUID])
        assert (new.type, key_of(new)) == ("identity.bound", f"whatsapp:{NUMBER}:{NEW_BSUID}")
        assert vouched(new) == [HAS_NEW_BSUID]

    def test_a_name_cannot_pose_as_the_old_number(self) -> None:
        body = f"User from {NEW_PHONE} to you changed from {PHONE} to {NEW_PHONE}"
        old, _ = events_of(_moved(wa_id=NEW_PHONE, body=body))
        assert key_of(old) == KEY

    def test_a_renewal_of_the_bsuid_says_both(self) -> None:
        update = {"wa_id": NEW_PHONE, "user_id": {"previous": BSUID, "current": NEW_BSUID}, "timestamp": str(SECONDS)}
        old, new = events_of(whatsapp(change("user_id_update", user_id_update=[update])))
        assert (old.type, key_of(old), vouched(old)) == ("contact.superseded", BSUID_KEY, [HAS_BSUID])
        assert (new.type, key_of(new)) == ("identity.bound", NEW_KEY)
        assert vouched(new) == [HAS_NEW_PHONE, HAS_NEW_BSUID]
        assert new.event_id == f"{old.event_id}:bound"

    def test_the_same_contact_with_a_new_bsuid_has_both(self) -> None:
        body = f"User Anna changed from {BSUID} to {NEW_BSUID}"
        event = event_of(_moved("user_changed_user_id", wa_id=PHONE, user_id=NEW_BSUID, body=body))
        assert (event.type, key_of(event)) == ("whatsapp.user_changed_user_id", KEY)
        assert vouched(event) == [HAS_PHONE, HAS_NEW_BSUID, HAS_BSUID]

    @pytest.mark.parametrize(
        ("given", "key"), [(_moved(), KEY), (_moved(phone=None, wa_id=NEW_PHONE), NEW_KEY), (_moved(phone=None), None)]
    )
    def test_of_which_one_side_is_unknown_supersedes_nobody(self, given: Any, key: str | None) -> None:
        event = event_of(given)
        assert (event.type, key_of(event)) == ("whatsapp.user_changed_number", key)

    def test_another_system_message_is_kept_by_its_own_name(self) -> None:
        assert event_of(_moved("customer_identity_changed", identity="x")).type == "whatsapp.customer_identity_changed"


class TestTheTeam:
    def test_writes_from_the_phone_app(self) -> None:
        echo: Any = {"from": OWN_PHONE, "to": PHONE, "id": "wamid.E1", "timestamp": str(SECONDS)}
        echo |= {"to_user_id": BSUID, "type": "text", "text": {"body": "有的"}}
        event = event_of(whatsapp(change("smb_message_echoes", message_echoes=[echo])))
        assert (event.type, event.event_id) == ("team.message_sent", "whatsapp:wamid.E1")
        assert (key_of(event), vouched(event)) == (KEY, [HAS_PHONE, HAS_BSUID])
        assert data_of(event) == {
            "purpose": "conversation",
            "message_id": "wamid.E1",
            "text": "有的",
            "payload": {"type": "text"},
            "echo": True,
        }

    def test_is_told_from_our_own_bot(self) -> None:
        echo = {"to": PHONE, "id": "wamid.E1", "type": "text", "text": {"body": "嗨"}, "app_id": int(OUR_BOT)}
        event = event_of(whatsapp(change("standby", message_echoes=[echo])))
        assert data_of(event)["purpose"] == "bot"
        assert data_of(event)["payload"] == {"type": "text", "app_id": int(OUR_BOT), "standby": True}

    def test_takes_a_message_back_as_a_status_of_that_message(self) -> None:
        echo = {"to": PHONE, "id": "wamid.E2", "type": "revoke", "revoke": {"original_message_id": "wamid.E1"}}
        event = event_of(whatsapp(change("smb_message_echoes", message_echoes=[echo])))
        assert (event.type, key_of(event), event.event_id) == ("team.message_status", KEY, "whatsapp:wamid.E2")
        assert data_of(event) == {"message_id": "wamid.E1", "status": "deleted", "payload": {}}

    @pytest.mark.parametrize(
        ("kind", "content"),
        [("edit", {"original_message_id": "wamid.Z"}), ("reaction", {"message_id": "wamid.Z"}), ("revoke", {})],
    )
    def test_did_not_write_again_by_changing_a_message(self, kind: str, content: Any) -> None:
        echo = {"to": PHONE, "id": "wamid.E1", "type": kind, kind: content}
        event = event_of(whatsapp(change("smb_message_echoes", message_echoes=[echo])))
        assert (event.type, key_of(event)) == (f"whatsapp.{kind}_echo", KEY)

    def test_has_its_part_of_the_history_and_the_person_theirs(self) -> None:
        ours = hello(wamid="wamid.H1", phone=OWN_PHONE, history_context={"status": "READ"})
        thread = {"id": PHONE, "messages": [ours, hello(wamid="wamid.H2")]}
        history = [{"metadata": {"phase": 0}, "threads": [thread]}]
        sent, received, _ = events_of(whatsapp(change("history", history=history)))
        assert (sent.type, key_of(sent), sent.event_id) == ("team.message_sent", KEY, "whatsapp:wamid.H1")
        assert (received.type, key_of(received)) == ("message.received", KEY)
        assert received.occurred_at == SECONDS * 1000

    def test_did_not_write_to_itself(self) -> None:
        thread = {"id": OWN_PHONE, "messages": [hello(wamid="wamid.H1", phone=OWN_PHONE)]}
        echo = {"from": OWN_PHONE, "to": f"+{OWN_PHONE}", "id": "wamid.E1", "type": "text"}
        body = whatsapp(change("history", history=[{"threads": [thread]}]), change(message_echoes=[echo]))
        events = events_of(body)
        assert [(event.type, event.contact, event.intrinsic) for event in events] == [
            ("team.message_sent", None, [])
        ] * 2


class TestAPlaceholderOfTheHistory:
    @pytest.mark.parametrize(("phone", "type_name"), [(PHONE, "message.received"), (OWN_PHONE, "team.message_sent")])
    def test_is_another_event_than_the_media_that_take_its_place(self, phone: str, type_name: str) -> None:
        placeholder = hello(phone=phone) | {"type": "media_placeholder", "text": None}
        media = whatsapp_message("video", phone=phone, video={"id": "9"}, **({"to": PHONE} if phone != PHONE else {}))
        first, second = events_of(
            whatsapp(
                change("history", history=[{"threads": [{"id": PHONE, "messages": [placeholder]}]}]),
                change("history", messages=[media]),
            )
        )
        assert (first.type, second.type) == (type_name, type_name)
        assert (first.event_id, second.event_id) == ("whatsapp:wamid.A1:placeholder", "whatsapp:wamid.A1")
        assert data_of(first)["message_id"] == data_of(second)["message_id"] == "wamid.A1"
        assert key_of(first) == key_of(second) == KEY

    def test_says_what_it_is(self) -> None:
        ours, theirs = events_of(
            _messages(*(whatsapp_message("media_placeholder", phone=phone, to=PHONE) for phone in (OWN_PHONE, PHONE)))
        )
        assert data_of(ours)["payload"]["type"] == data_of(theirs)["kind"] == "media_placeholder"


def _contact_card(action: str | None = "add", **contact: Any) -> dict[str, Any]:
    contact = {"phone_number": PHONE} | contact
    item = {"type": "contact", "contact": contact, "action": action, "metadata": {"timestamp": str(SECONDS - 60)}}
    return whatsapp(change("smb_app_state_sync", state_sync=[item]))


class TestTheAddressBookOfThePhoneApp:
    def test_names_the_person_at_the_time_of_the_entry(self) -> None:
        kept, profile = events_of(_contact_card(full_name="林安娜", first_name="安娜"))
        assert (kept.type, key_of(kept), vouched(kept)) == ("whatsapp.smb_app_state_sync", KEY, [HAS_PHONE])
        assert data_of(kept)["contact"] == {"phone_number": PHONE, "full_name": "林安娜", "first_name": "安娜"}
        assert (profile.type, data_of(profile)) == ("profile.updated", {"display_name": "林安娜"})
        assert (key_of(profile), profile.event_id) == (KEY, f"{kept.event_id}:profile")
        assert {kept.occurred_at, profile.occurred_at} == {(SECONDS - 60) * 1000}

    @pytest.mark.parametrize("number", [f"+{PHONE}", "+886 912 345 678", "886-912-345-678", "+886 (912) 345.678"])
    def test_names_one_contact_however_the_number_is_written(self, number: str) -> None:
        event = event_of(_contact_card(phone_number=number))
        assert (key_of(event), vouched(event)) == (KEY, [HAS_PHONE])

    @pytest.mark.parametrize("action", ["edit", "update", None])
    def test_that_changes_the_person_changes_the_name(self, action: Any) -> None:
        assert len(events_of(_contact_card(action, full_name="林安娜"))) == 2

    def test_without_a_name_names_nobody(self) -> None:
        assert event_of(_contact_card()).type == "whatsapp.smb_app_state_sync"

    def test_that_loses_the_person_changes_no_name(self) -> None:
        event = event_of(_contact_card("remove", full_name="林安娜"))
        assert (event.type, key_of(event)) == ("whatsapp.smb_app_state_sync", KEY)

    def test_sent_again_is_the_same_events(self) -> None:
        first, again = (events_of(_contact_card(full_name="林安娜")) for _ in range(2))
        assert first == again

    def test_makes_no_contact_of_the_business_itself(self) -> None:
        assert event_of(_contact_card(phone_number=OWN_PHONE, full_name="清山")).contact is None


@pytest.mark.parametrize(
    ("given", "kept_as"),
    [
        (change(errors=[{"code": 130429, "title": "Rate limit hit"}]), "errors"),
        (
            change("group_lifecycle_update", groups=[{"type": "group_create", "group_id": "G"}]),
            "group_lifecycle_update",
        ),
        (change("smb_app_state_sync", state_sync=[{"type": "contact", "action": "add"}]), "smb_app_state_sync"),
        (change("history", history=[{"errors": [{"code": 2593109}]}]), "history"),
        (change(messages=[]), "messages"),
        ({"field": "message_template_status_update", "value": {"event": "APPROVED"}}, "message_template_status_update"),
        ({"field": "account_update", "value": {"event": "VERIFIED_ACCOUNT"}}, "account_update"),
        ({"field": "security", "value": "x"}, "security"),
        ({"field": "phoneNumberQuality", "value": {"a": 1}}, "phone_number_quality"),
        ({"value": {"a": 1}}, "change"),
        ({}, "change"),
    ],
)
def test_what_is_about_nobody_is_kept_without_a_contact(given: Any, kept_as: str) -> None:
    event = event_of(whatsapp(given))
    assert (event.type, event.contact, event.intrinsic) == (f"whatsapp.{kept_as}", None, [])
    number = NUMBER if "metadata" in (given.get("value") or {}) else WABA
    assert event.account == AccountRef(channel="whatsapp", account=number)


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"from": PHONE, "to": OWN_PHONE, "direction": "USER_INITIATED"}, KEY),
        ({"from": OWN_PHONE, "to": PHONE, "direction": "BUSINESS_INITIATED"}, KEY),
        ({"from": OWN_PHONE, "to": PHONE}, KEY),
        ({"to_user_id": BSUID, "direction": "BUSINESS_INITIATED"}, BSUID_KEY),
        ({"from": PHONE, "to": OWN_PHONE, "direction": "BUSINESS_INITIATED"}, KEY),
        ({"from": OWN_PHONE, "to": OWN_PHONE, "direction": "BUSINESS_INITIATED"}, None),
    ],
)
def test_a_call_is_kept_with_the_person_on_the_line(fields: Any, key: str | None) -> None:
    call = {"id": "wacid.1", "event": "terminate", "timestamp": str(SECONDS)} | fields
    event = event_of(whatsapp(change("calls", calls=[call])))
    assert (event.type, event.event_id, key_of(event)) == ("whatsapp.calls", "whatsapp:wacid.1:terminate", key)


class TestSeveralAccountsInOneBody:
    BODY = whatsapp(change(messages=[hello()]), change(number=OTHER_NUMBER, messages=[hello(wamid="wamid.B1")]))

    def test_are_told_apart_by_their_number(self) -> None:
        keys = [key_of(event) for event in events_of(self.BODY)]
        assert keys == [KEY, f"whatsapp:{OTHER_NUMBER}:{PHONE}"]

    def test_are_ignored_but_for_the_configured_one(self) -> None:
        outcome = translated(self.BODY, account=OTHER_NUMBER)
        assert [key_of(event) for event in outcome.events] == [f"whatsapp:{OTHER_NUMBER}:{PHONE}"]
        assert outcome.ignored == (Ignored(0, "other_account"),)

    def test_the_configured_one_stands_in_where_none_is_named(self) -> None:
        given = change(messages=[hello()])
        del given["value"]["metadata"]
        assert key_of(event_of(whatsapp(given), account=OTHER_NUMBER)) == f"whatsapp:{OTHER_NUMBER}:{PHONE}"
        assert key_of(event_of(whatsapp(given))) is None

    def test_a_thousand_messages_of_as_many_people_are_as_many_events(self) -> None:
        phones = [str(886_900_000_000 + n) for n in range(1000)]
        messages = [hello(wamid=f"wamid.{phone}", phone=phone) for phone in phones]
        people = [known(phone, f"TW.{phone}") for phone in reversed(phones)]
        events = events_of(_messages(*messages, contacts=people))
        assert [key_of(event) for event in events] == [f"whatsapp:{NUMBER}:{phone}" for phone in phones]
        assert all(vouched(event)[1][1].endswith(vouched(event)[0][1][1:]) for event in events)


@pytest.mark.parametrize(
    "timestamp", [SECONDS, str(SECONDS), SECONDS * 1000, str(SECONDS * 1000), float(SECONDS)], ids=repr
)
def test_the_time_is_the_same_however_it_is_written(timestamp: Any) -> None:
    assert event_of(_messages(hello(timestamp=timestamp))).occurred_at == SECONDS * 1000


def test_a_clock_far_ahead_does_not_win() -> None:
    assert event_of(_messages(hello(timestamp=str(SECONDS + 10_000_000)))).occurred_at == RECEIVED_AT


def test_without_an_id_equal_content_of_one_person_at_one_time_is_the_same_event() -> None:
    def of(phone: str = PHONE, time: int = SENT_AT, text: str = "嗨") -> str:
        message = whatsapp_message(text={"body": text}, wamid=None, phone=None, timestamp=None)
        body = _messages(message, contacts=[known(phone)])
        body["entry"][0]["time"] = time
        return event_of(body).event_id

    assert of() == of()
    assert len({of(), of(NEW_PHONE), of(time=SENT_AT + 1), of(text="嗨嗨")}) == 4


@pytest.mark.parametrize("timestamp", ["", "soon", "-1", True, {}, "9" * 30, None])
def test_without_a_usable_time_it_is_the_entrys_or_when_it_came_in(timestamp: Any) -> None:
    body = _messages(hello(timestamp=timestamp))
    assert event_of(body).occurred_at == RECEIVED_AT
    body["entry"][0]["time"] = SENT_AT
    assert event_of(body).occurred_at == SENT_AT
