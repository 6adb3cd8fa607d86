"""Each call of a website, and the events written down by hand that it must become."""

from dataclasses import replace
from typing import Any, Literal

import orjson
import pytest

from schemas import codec
from schemas.events.profile import Characteristic
from services.ingress.core.times import FUTURE_SLACK_MS
from services.ingress.core.translated import Ignored
from services.ingress.core.web import DAILY_PREFIX, MAX_MESSAGE_BYTES, TenantKnowledge, alias_ids
from tests.support.web_bodies import (
    AT,
    CONTEXT,
    HAPPENED_AT,
    MEMBER,
    RECEIVED_AT,
    SITE,
    VISITOR,
    all_said,
    content_of,
    events_of,
    message,
    translated,
)

ID = "ajs-next-5f0c"
CLAIMED = {"assurance": "claimed"}
LOGIN = {"identifiers": [{"type": "member_id", "value": MEMBER, "assurance": "claimed"}], "via": "login"}


def uid_of(given: Any) -> str | None:
    contact = events_of(given)[-1].contact
    return contact.uid if contact else None


def test_a_track_becomes_the_whole_event() -> None:
    given = message("track", event="加入購物車", properties={"sku": "OOL-150", "price": 680})
    (event,) = events_of(given)
    assert orjson.loads(codec.encode(event)) == {
        "event_id": f"web:did:{ID}",
        "tenant": "qingshan",
        "contact": {"channel": "web", "account": "qingshan-shop", "uid": VISITOR},
        "type": "web.tracked",
        "occurred_at": HAPPENED_AT,
        "received_at": RECEIVED_AT,
        "source": "web-main",
        "schema_version": 1,
        "intrinsic": [],
        "data": {
            "event": "加入購物車",
            "url": "https://qingshan.example/tea/oolong",
            "properties": {"sku": "OOL-150", "price": 680},
        },
    }


class TestIdentify:
    def test_with_a_user_id_it_is_a_login_a_profile_and_attributes(self) -> None:
        traits = {
            "name": "林佳穎",
            "email": "jiaying@example.tw",
            "phone": "0912345678",
            "avatar": "https://qingshan.example/a/7.png",
            "points": 320,
            "vip": True,
            "birthday": "1991-04-17",
            "lastOrder": "2025-11-01T09:30:00+08:00",
            "favourite tea": "東方美人",
            "address": {"city": "台中市", "zip": "403"},
            "sizes": ["150g", "300g"],
            "nickname": None,
        }
        identifiers = [
            {"type": "member_id", "value": MEMBER, "assurance": "claimed"},
            {"type": "email", "value": "jiaying@example.tw", "assurance": "claimed"},
            {"type": "phone", "value": "0912345678", "assurance": "claimed"},
        ]
        profile = {"display_name": "林佳穎", "avatar": "https://qingshan.example/a/7.png", "locale": "zh-TW"} | CLAIMED
        assert all_said(message("identify", userId=MEMBER, traits=traits)) == [
            (f"web:login:{ID}", "identity.bound", {"identifiers": identifiers, "via": "login"}),
            (f"web:browser:{ID}", "identity.bound", LOGIN),
            (f"web:profile:{ID}", "profile.updated", profile),
            *[
                (f"web:trait.{key}:{ID}", "attribute.set", {"key": key, "value": value, "type": kind} | CLAIMED)
                for key, value, kind in [
                    ("points", 320, "number"),
                    ("vip", True, "boolean"),
                    ("birthday", "1991-04-17", "date"),
                    ("lastOrder", "2025-11-01T09:30:00+08:00", "datetime"),
                    ("favourite_tea", "東方美人", "text"),
                    ("address_city", "台中市", "text"),
                    ("address_zip", "403", "text"),
                    ("sizes", '["150g","300g"]', "text"),
                ]
            ],
            (f"web:trait.nickname:{ID}", "attribute.unset", {"key": "nickname"} | CLAIMED),
        ]

    @pytest.mark.parametrize(
        ("traits", "name"),
        [
            ({"firstName": "Ann", "lastName": "Lee"}, "Ann Lee"),
            ({"firstname": "Ann", "lastname": "Lee"}, "Ann Lee"),
            ({"first_name": "佳穎", "last_name": "林"}, "林佳穎"),
            ({"firstName": "", "first_name": "Ann"}, "Ann"),
            ({"name": "Ann L", "firstname": "Ann", "lastname": "Lee"}, "Ann L"),
        ],
    )
    def test_a_name_in_parts_is_the_display_name(self, traits: Any, name: str) -> None:
        profiles = [data for _, kind, data in all_said(message("identify", traits=traits)) if kind == "profile.updated"]
        assert [one["display_name"] for one in profiles] == [name]

    def test_without_one_it_claims_and_does_not_log_in(self) -> None:
        given = message("identify", traits={"email": "jiaying@example.tw"}, context=None)
        identifiers = [{"type": "email", "value": "jiaying@example.tw", "assurance": "claimed"}]
        bound = {"identifiers": identifiers, "via": "channel"}
        assert all_said(given) == [(f"web:login:{ID}", "identity.bound", bound)]

    def test_is_said_each_time_since_the_latest_login_counts(self) -> None:
        ids = [events_of(message("identify", userId=MEMBER, messageId=one))[0].event_id for one in "ab"]
        assert ids == ["web:login:a", "web:login:b"]

    def test_happens_to_the_member_and_tells_the_browser_only_who_is_logged_in(self) -> None:
        traits = {"name": "林佳穎", "email": "a@example.tw", "plan": "gold"}
        own, browser, profile, attribute = events_of(message("identify", userId=MEMBER, traits=traits))
        member = f"web:qingshan-shop:user:{MEMBER}"
        assert [event.contact.key for event in (own, profile, attribute) if event.contact] == [member] * 3
        assert browser.contact is not None
        assert browser.contact.uid == VISITOR
        assert content_of(browser) == (f"web:browser:{ID}", "identity.bound", LOGIN)

    def test_that_says_nothing_is_kept(self) -> None:
        assert all_said(message("identify", context=None)) == [(f"web:kept:{ID}", "web.identify", {"traits": {}})]

    def test_traits_that_make_no_attribute_are_kept(self) -> None:
        left = {"生日": "4/17", "bio": "茶" * 1001}
        traits = left | {"name": ["林"], "email": None, "locale": ""}
        assert all_said(message("identify", traits=traits, context=None)) == [
            (f"web:trait.name:{ID}", "attribute.set", {"key": "name", "value": '["林"]', "type": "text"} | CLAIMED),
            (f"web:kept:{ID}", "web.identify", {"traits": left}),
        ]

    @pytest.mark.parametrize("kind", ["identify", "track", "page", "group"])
    @pytest.mark.parametrize("phone", ["9" * 1001, {"home": "0912345678"}, True, [["0912345678"]], ["1"] * 11], ids=str)
    def test_a_phone_that_cannot_be_read_is_kept_and_warned_of(self, kind: str, phone: Any) -> None:
        given = message(kind, event="Paid", traits={"plan": "gold"}, context={"traits": {"phone": phone}})
        outcome = translated(given)
        data = content_of(outcome.events[-1])[2]
        assert data.get("properties", data)["unread"] == {"phone": phone}
        assert [(one.type, one.reason) for one in outcome.warnings] == [("phone", "unread")]


class TestOtherCalls:
    def test_a_page_is_viewed(self) -> None:
        given = message(
            "page", name="Oolong", category="Tea", properties={"title": "高山烏龍", "url": "https://q.example/2"}
        )
        properties = {"title": "高山烏龍", "url": "https://q.example/2", "name": "Oolong", "category": "Tea"}
        data = {"event": "page_viewed", "url": "https://q.example/2", "properties": properties}
        assert all_said(given) == [(f"web:did:{ID}", "web.tracked", data)]

    def test_a_screen_is_viewed(self) -> None:
        data = {"event": "screen_viewed", "properties": {"name": "Cart"}}
        assert all_said(message("screen", name="Cart", context={})) == [(f"web:did:{ID}", "web.tracked", data)]

    def test_the_campaign_that_led_here_is_a_property(self) -> None:
        campaign = {"name": "mid-autumn", "source": "line"}
        (event,) = all_said(message("track", event="Open", context={"campaign": campaign}))
        assert event[2]["properties"] == {"campaign": campaign}
        (event,) = all_said(
            message("track", event="Open", properties={"campaign": "own"}, context={"campaign": campaign})
        )
        assert event[2]["properties"] == {"campaign": "own"}

    def test_a_group_is_kept(self) -> None:
        given = message("group", groupId="club-9", traits={"name": "茶友會"})
        data = {"groupId": "club-9", "traits": {"name": "茶友會"}}
        assert all_said(given) == [(f"web:kept:{ID}", "web.group", data)]

    @pytest.mark.parametrize("anonymous_id", [None, "old-cookie"])
    def test_an_alias_binds_the_browser_it_names_to_the_member(self, anonymous_id: str | None) -> None:
        own, bound, kept = events_of(message("alias", previousId="old-cookie", userId=MEMBER, anonymousId=anonymous_id))
        assert [event.contact.uid for event in (own, kept, bound) if event.contact] == [
            *[f"user:{MEMBER}"] * 2,
            "old-cookie",
        ]
        assert content_of(kept) == (f"web:kept:{ID}", "web.alias", {"previousId": "old-cookie", "userId": MEMBER})
        assert content_of(bound) == (f"web:alias:{ID}", "identity.bound", LOGIN)
        assert bound.occurred_at == HAPPENED_AT

    def test_an_alias_from_another_browser_binds_both(self) -> None:
        events = events_of(message("alias", previousId="old-cookie", userId=MEMBER))
        bound = {
            event.contact.uid: content_of(event)[2]
            for event in events
            if event.type == "identity.bound" and event.contact
        }
        assert bound == {f"user:{MEMBER}": LOGIN, VISITOR: LOGIN, "old-cookie": LOGIN}

    @pytest.mark.parametrize("previous", ["QS-1", "user:QS-1"])
    def test_an_alias_of_a_member_makes_no_browser_and_says_what_to_do(self, previous: str) -> None:
        known = {} if previous.startswith("user:") else {"QS-1": "QS-1"}
        given = message("alias", previousId=previous, userId=MEMBER, anonymousId=None)
        outcome = translated(given, known=TenantKnowledge(members=known))
        assert {event.contact.uid for event in outcome.events if event.contact} == {f"user:{MEMBER}"}
        assert content_of(outcome.events[-1])[1:] == ("web.alias", {"previousId": "QS-1", "userId": MEMBER})
        (warning,) = outcome.warnings
        assert (warning.type, warning.value, warning.reason) == ("previousId", "QS-1", "not_merged")
        assert f'POST /v1/members/QS-1/merge {{"into": "{MEMBER}"}}' in warning.detail

    def test_an_alias_of_a_member_that_became_this_one_says_nothing(self) -> None:
        known = TenantKnowledge(members={"QS-1": MEMBER, MEMBER: MEMBER})
        assert translated(message("alias", previousId="QS-1", userId=MEMBER), known=known).warnings == ()

    def test_an_alias_of_a_placeholder_makes_no_browser(self) -> None:
        outcome = translated(message("alias", previousId="undefined", userId=MEMBER, anonymousId=None))
        assert {event.contact.uid for event in outcome.events if event.contact} == {f"user:{MEMBER}"}
        assert [(one.type, one.reason) for one in outcome.warnings] == [("previousId", "no_browser")]

    def test_an_alias_of_an_address_makes_no_browser_and_says_what_to_do(self) -> None:
        outcome = translated(message("alias", previousId="Ann@Example.com", userId=MEMBER, anonymousId=None))
        assert {event.contact.uid for event in outcome.events if event.contact} == {f"user:{MEMBER}"}
        kept = {"previousId": "Ann@Example.com", "userId": MEMBER}
        assert content_of(outcome.events[-1])[1:] == ("web.alias", kept)
        (warning,) = outcome.warnings
        assert (warning.type, warning.value, warning.reason) == ("previousId", "Ann@Example.com", "no_browser")
        assert f'POST /v1/members/Ann@Example.com/merge {{"into": "{MEMBER}"}}' in warning.detail

    def test_what_aliases_name_is_looked_up(self) -> None:
        aliases = [
            message("alias", previousId=" user:a ", userId=7),
            message("alias", previousId="b"),
            message("page"),
            1,
        ]
        assert alias_ids(aliases) == {"a", "7", "b"}

    @pytest.mark.parametrize(
        ("given", "kept_as", "data"),
        [
            (message("scrolledDown", depth=80), "web.scrolled_down", {"depth": 80}),
            (message("tracked", event="x"), "web.unknown", {"event": "x"}),
            (message(""), "web.unknown", {}),
            (message("track"), "web.track", {}),
            (message("track", event="x", properties=[1]), "web.track", {"event": "x", "properties": [1]}),
            (message("page", properties="x"), "web.page", {"properties": "x"}),
            (message("identify", traits="x"), "web.identify", {"traits": "x"}),
            (message("alias"), "web.alias", {}),
        ],
    )
    def test_what_means_nothing_to_us_is_kept(self, given: Any, kept_as: str, data: Any) -> None:
        assert all_said(given) == [(f"web:kept:{ID}", kept_as, data)]

    @pytest.mark.parametrize(
        ("given", "part"),
        [
            (message("identify", traits="x"), "traits"),
            (message("identify", traits=[{"a": 1}]), "traits"),
            (message("page", properties=[1]), "properties"),
            (message("track", event="x", properties="y"), "properties"),
            (message("track"), "event"),
            (message("track", event=[7]), "event"),
        ],
    )
    def test_a_message_that_is_only_kept_says_which_part_of_it_is_not_read(self, given: Any, part: str) -> None:
        assert [(one.type, one.reason) for one in translated(given).warnings] == [(part, "unread")]

    def test_the_path_names_the_call_whatever_the_message_says(self) -> None:
        assert all_said(message("track", event="x", name="Home"), call="page")[0][2]["event"] == "page_viewed"


class TestWhoItIs:
    def test_a_user_id_beside_an_anonymous_id_is_the_members_message_and_the_browsers_login(self) -> None:
        own, browser, tracked = events_of(message("track", event="a", userId=MEMBER))
        assert [event.contact.uid for event in (own, browser, tracked) if event.contact] == [
            f"user:{MEMBER}",
            VISITOR,
            f"user:{MEMBER}",
        ]
        assert content_of(own)[1:] == ("identity.bound", LOGIN)
        assert content_of(browser) == (f"web:seen:{ID}", "identity.bound", LOGIN)

    def test_the_members_own_contact_says_who_it_is_by_one_event_a_day(self) -> None:
        given = [
            message("track", event="a", messageId="1", userId=MEMBER),
            message("page", messageId="2", userId=MEMBER, timestamp="2025-11-06T00:00:00Z"),
            message("page", messageId="3", userId=MEMBER, timestamp="2025-11-05T23:59:59Z"),
        ]
        today, again, yesterday = (events_of(one)[0].event_id for one in given)
        assert today == again != yesterday
        assert today.startswith(DAILY_PREFIX)

    def test_a_server_that_knows_only_the_member_speaks_of_the_members_own_contact(self) -> None:
        login, tracked = events_of(message("track", event="Refunded", userId=MEMBER, anonymousId=None))
        assert login.contact == tracked.contact is not None
        assert tracked.contact.key == f"web:qingshan-shop:user:{MEMBER}"
        assert content_of(login)[1:] == ("identity.bound", LOGIN)
        assert login.event_id.startswith(DAILY_PREFIX)

    @pytest.mark.parametrize("assurance", ["claimed", "stated"])
    @pytest.mark.parametrize("anonymous_id", [VISITOR, None])
    @pytest.mark.parametrize("kind", ["identify", "track", "page", "group"])
    def test_all_that_comes_with_a_key_has_its_assurance(
        self, kind: str, anonymous_id: str | None, assurance: Literal["claimed", "stated"]
    ) -> None:
        traits = {"email": "a@example.tw", "phone": "0912345678", "name": "A", "plan": "gold", "old": None}
        given = message(kind, event="x", userId=MEMBER, anonymousId=anonymous_id, traits=traits)
        events = events_of(given | {"context": {"traits": traits}}, site=replace(SITE, assurance=assurance))
        stated = [one for event in events for one in content_of(event)[2].get("identifiers", ())]
        assert {one["type"] for one in stated} == {"member_id", "email", "phone"}
        assert {one["assurance"] for one in stated} == {assurance}
        characteristics = [event.data for event in events if isinstance(event.data, Characteristic)]
        assert [one.assurance for one in characteristics] == [assurance] * (3 if kind == "identify" else 0)
        assert all(event.intrinsic == [] for event in events)

    def test_nobody_becomes_a_members_contact_by_calling_himself_so(self) -> None:
        names = [f"user:{MEMBER}", f"anon:user:{MEMBER}", f"anon:anon:user:{MEMBER}", MEMBER]
        uids = [uid_of(message("page", anonymousId=name)) for name in names]
        assert uids == [f"anon:{names[0]}", f"anon:{names[1]}", f"anon:{names[2]}", MEMBER]
        assert all(event.intrinsic == [] for name in names for event in events_of(message("page", anonymousId=name)))

    @pytest.mark.parametrize(
        ("given", "uid"), [(" c1\n", "c1"), (42, "42"), (42.0, "42"), ("c\x001", "c\ufffd1"), ("x" * 250, "x" * 250)]
    )
    def test_ids_are_read_as_senders_write_them(self, given: Any, uid: str) -> None:
        assert uid_of(message("page", anonymousId=given)) == uid

    @pytest.mark.parametrize("given", [None, "", " ", True, 1.5, [], {"id": "c1"}, "x" * 251])
    def test_without_any_id_there_is_no_event(self, given: Any) -> None:
        outcome = translated(message("page", anonymousId=given), message("page"))
        assert outcome.ignored == (Ignored(0, "no_id"),)
        assert len(outcome.events) == 1

    def test_external_ids_are_evidence_where_their_type_means_something(self) -> None:
        listed = [
            {"id": "A-77", "type": "x_loyalty", "collection": "users", "encoding": "none"},
            {"id": "a@example.tw", "type": "email"},
            {"id": "GA1.2", "type": "ga_client_id"},
            {"id": "acct", "type": "phone", "collection": "accounts"},
            {"id": "9f86d081", "type": "phone", "encoding": "sha256"},
            "nonsense",
        ]
        bound = events_of(message("track", event="x", context={"externalIds": listed}))[0]
        assert content_of(bound)[2] == {
            "identifiers": [
                {"type": "x_loyalty", "value": "A-77", "assurance": "claimed"},
                {"type": "email", "value": "a@example.tw", "assurance": "claimed"},
            ],
            "via": "channel",
        }

    def test_a_user_id_may_be_an_external_id(self) -> None:
        listed = [{"id": MEMBER, "type": "user_id"}]
        given = message("track", event="x", context={"externalIds": listed})
        assert content_of(events_of(given)[0])[2] == LOGIN
        assert uid_of(given | {"anonymousId": None}) == f"user:{MEMBER}"

    def test_traits_in_the_context_are_claims(self) -> None:
        given = message("track", event="x", context={"traits": {"email": "a@example.tw", "plan": "gold"}})
        claim, tracked = events_of(given)
        assert content_of(claim)[2]["identifiers"] == [
            {"type": "email", "value": "a@example.tw", "assurance": "claimed"}
        ]
        assert tracked.type == "web.tracked"


class TestIdsAndTimes:
    def test_a_repeat_has_the_same_ids_however_it_was_sent(self) -> None:
        given = message("identify", userId=MEMBER, traits={"email": "a@example.tw", "plan": "gold"})
        again = given | {"sentAt": "2025-11-06T04:00:09Z", "_metadata": {"retryCount": 1}}
        for one in (given, given | {"messageId": None}):
            other = {**again, "messageId": one["messageId"]}
            assert [event.event_id for event in events_of(one)] == [event.event_id for event in events_of(other)]

    def test_a_message_without_an_id_is_known_by_what_it_says_and_when(self) -> None:
        given = message("track", event="Paid", messageId=None)
        same, later = events_of(given)[0], events_of(given, received_at=RECEIVED_AT + 60_000)[0]
        assert same.event_id == later.event_id
        assert same.event_id.startswith("web:did:hash:")

    def test_without_an_id_or_a_time_it_is_known_by_when_and_where_it_came_in(self) -> None:
        given = message("track", event="Paid", messageId=None, timestamp=None)
        outcome = translated(given, given)
        ids = {event.event_id for event in (*outcome.events, *events_of(given, received_at=RECEIVED_AT + 1))}
        assert len(ids) == 3

    def test_the_events_of_one_message_have_different_ids(self) -> None:
        traits = {"email": "a@example.tw", "name": "A", "plan": "gold", "points": 3, "生日": 1}
        ids = [event.event_id for event in events_of(message("identify", userId=MEMBER, traits=traits))]
        assert len(set(ids)) == len(ids) == 6

    @pytest.mark.parametrize(
        ("times", "expected"),
        [
            ({"sentAt": "2031-01-01T00:00:05Z", "timestamp": "2031-01-01T00:00:00Z"}, RECEIVED_AT - 5_000),
            ({"sentAt": "1999-01-01T00:01:00+08:00", "timestamp": "1999-01-01T00:00:00+08:00"}, RECEIVED_AT - 60_000),
            ({"sentAt": None, "timestamp": "2025-11-06T03:00:00"}, RECEIVED_AT - 3_600_000),
            ({"timestamp": "2025-11-6T4:00:00Z"}, RECEIVED_AT),
            ({"timestamp": "2025-11-6T03:30:00Z"}, RECEIVED_AT - 1_800_000),
            ({"timestamp": RECEIVED_AT - 7}, RECEIVED_AT - 7),
            ({"timestamp": None, "originalTimestamp": "2025-11-06T03:59:00Z"}, RECEIVED_AT - 60_000),
            ({"timestamp": "soon"}, RECEIVED_AT),
            ({"timestamp": "soon", "originalTimestamp": "2025-11-06T03:59:00Z"}, RECEIVED_AT - 60_000),
            ({"timestamp": "Thu, 06 Nov 2025 03:59:00 GMT"}, RECEIVED_AT - 60_000),
            ({"timestamp": (RECEIVED_AT - 60_000) // 1000}, RECEIVED_AT - 60_000),
            ({"timestamp": "2031-01-01t00:00:00z", "sentAt": 1_924_992_060}, RECEIVED_AT - 60_000),
            ({"timestamp": None}, RECEIVED_AT),
            ({"timestamp": "9" * 5000}, RECEIVED_AT),
            ({"timestamp": "2025-11-06T04:05:00Z"}, RECEIVED_AT + FUTURE_SLACK_MS),
            ({"timestamp": "2025-11-06T04:05:00.001Z"}, RECEIVED_AT),
            # What came through another collector was set right there.
            (
                {
                    "timestamp": "2025-11-06T03:00:00Z",
                    "sentAt": "2030-01-01T00:00:00Z",
                    "receivedAt": "2025-11-06T03:00:01Z",
                },
                RECEIVED_AT - 3_600_000,
            ),
        ],
    )
    def test_a_wrong_clock_is_set_right(self, times: dict[str, Any], expected: int) -> None:
        assert events_of(message("page", **times))[-1].occurred_at == expected

    def test_a_name_that_is_too_long_is_cut_and_kept_whole(self) -> None:
        data = content_of(events_of(message("track", event="x" * 300))[-1])[2]
        assert (data["event"], data["properties"]["as_sent"]) == ("x" * 255, {"event": "x" * 300})

    def test_an_id_or_context_that_is_none_is_kept_and_warned_of(self) -> None:
        for field, value in (("userId", {"id": 7}), ("userId", True), ("userId", "x" * 300), ("context", "x")):
            outcome = translated(message("track", event="Paid") | {field: value})
            assert content_of(outcome.events[-1])[2]["properties"]["unread"] == {field: value}
            assert [(one.type, one.reason) for one in outcome.warnings] == [(field, "unread")]
        outcome = translated(message("track", event="Paid", userId=MEMBER, anonymousId=["b"]))
        assert [one.type for one in outcome.warnings] == ["anonymousId"]
        for blank in ("", "  "):
            assert translated(message("track", event="Paid", userId=blank)).warnings == ()

    @pytest.mark.parametrize(
        ("kind", "kept_in"),
        [
            ("track", lambda data: data["properties"]),
            ("page", lambda data: data["properties"]),
            ("identify", lambda data: data),
            ("alias", lambda data: data),
            ("group", lambda data: data),
        ],
    )
    @pytest.mark.parametrize("words", ["yesterday", "03/04/2026", 17, True, ["2026"]], ids=repr)
    def test_a_time_that_cannot_be_read_is_kept_and_warned_of(self, kind: str, kept_in: Any, words: Any) -> None:
        given = message(kind, event="Paid", userId=MEMBER, previousId="v1", traits={"plan": "gold"}, timestamp=words)
        outcome = translated(given)
        assert {event.occurred_at for event in outcome.events} == {RECEIVED_AT}
        kept = [event for event in outcome.events if event.event_id.startswith(("web:did:", "web:kept:"))]
        assert kept_in(content_of(kept[0])[2])["unread"] == {"timestamp": words}
        (warning,) = outcome.warnings
        assert (warning.type, warning.reason, warning.contact) == (
            "timestamp",
            "unread",
            f"web:qingshan-shop:user:{MEMBER}",
        )

    def test_a_batchs_clock_that_cannot_be_read_is_warned_of_where_it_counts(self) -> None:
        outcome = translated(message("page"), message("page", messageId="2", sentAt=AT), sent_at="soon")
        assert [(warning.type, warning.value) for warning in outcome.warnings] == [("sentAt", "soon")]

    def test_a_batch_says_when_it_was_sent_for_all_its_messages(self) -> None:
        given = message("page", timestamp="2031-01-01T00:00:00Z")
        (event,) = events_of(given, sent_at="2031-01-01T00:00:02Z")
        assert event.occurred_at == RECEIVED_AT - 2_000

    def test_a_batch_may_say_the_context_for_all_its_messages(self) -> None:
        (event,) = events_of(message("track", event="x", context=None), context=CONTEXT)
        assert content_of(event)[2]["url"] == "https://qingshan.example/tea/oolong"


class TestLimits:
    def test_too_large_a_message_is_left_out_by_itself(self) -> None:
        outcome = translated(message("page"), message("track", event="x", properties={"x": "茶" * 11_000}), 7)
        assert [event.type for event in outcome.events] == ["web.tracked"]
        assert outcome.ignored == (Ignored(1, "too_large"), Ignored(2, "not_an_object"))

    def test_a_message_as_large_as_may_be_is_taken_whole(self) -> None:
        given = message("track", event="x", properties={"x": ""})
        given["properties"]["x"] = "a" * (MAX_MESSAGE_BYTES - len(orjson.dumps(given)))
        assert content_of(events_of(given)[0])[2]["properties"] == given["properties"]

    def test_of_very_many_traits_a_hundred_become_attributes_and_the_rest_is_kept(self) -> None:
        traits = {f"t{number}": number for number in range(130)}
        *attributes, kept = events_of(message("identify", traits=traits, context=None))
        assert len(attributes) == 100
        assert content_of(kept)[2] == {"traits": {f"t{number}": number for number in range(100, 130)}}

    def test_two_traits_of_one_key_are_both_kept(self) -> None:
        first, kept = events_of(message("identify", traits={"total billed": 1, "total_billed": 2}, context=None))
        assert content_of(first)[2]["value"] == 1
        assert content_of(kept)[2] == {"traits": {"total_billed": 2}}
