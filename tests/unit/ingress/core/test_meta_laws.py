"""No webhook of Meta's makes the translators raise, and order, repeats and batching change no event."""

import copy
from collections.abc import Iterable
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.events import Event
from services.ingress.core.normalize import MalformedBody, lenient_json, parsed_body
from tests.support.meta_bodies import (
    BSUID,
    IGSID,
    INSTAGRAM,
    NEW_BSUID,
    NEW_PHONE,
    NUMBER,
    OTHER_NUMBER,
    OUR_BOT,
    OWN_PHONE,
    PAGE,
    PHONE,
    PSID,
    SECONDS,
    change,
    hello,
    instagram,
    known,
    page,
    translated,
    turn,
    whatsapp,
    whatsapp_message,
)
from tests.support.strategies import odd_json

REASONS = {"not_a_webhook", "not_an_object", "other_account", "empty"}
PEOPLE = [known(PHONE, BSUID, name="安娜"), known(NEW_PHONE, NEW_BSUID, username="@bo")]
MESSAGES = [
    hello(),
    hello(wamid="wamid.A2", phone=NEW_PHONE),
    hello(wamid="wamid.A3", phone=None, from_user_id=BSUID),
    hello(wamid="wamid.A4", group_id="G1"),
    hello(wamid="wamid.A5", phone=OWN_PHONE, to=PHONE),
    whatsapp_message("image", "wamid.A6", image={"id": "9", "caption": "這款"}),
    whatsapp_message("interactive", "wamid.A7", interactive={"type": "list_reply", "list_reply": {"id": "r1"}}),
    whatsapp_message("reaction", "wamid.A8", reaction={"message_id": "wamid.Z", "emoji": "🍵"}),
    whatsapp_message(
        "edit", "wamid.A9", edit={"original_message_id": "wamid.Z", "message": {"type": "text", "text": {"body": "x"}}}
    ),
    whatsapp_message(
        "system", "wamid.B1", system={"type": "user_changed_number", "wa_id": NEW_PHONE, "user_id": NEW_BSUID}
    ),
    whatsapp_message("revoke", "wamid.B2", revoke={"original_message_id": "wamid.Z"}),
]
STATUSES = [
    {"id": "wamid.S1", "status": status, "timestamp": str(SECONDS + n), "recipient_id": PHONE}
    for n, status in enumerate(["sent", "delivered", "read"])
]
PREFERENCES = [
    {"wa_id": PHONE, "category": "marketing_messages", "value": wish, "timestamp": SECONDS}
    for wish in ("stop", "resume")
]
UPDATES = [{"user_id": {"previous": BSUID, "current": NEW_BSUID}, "timestamp": SECONDS}]
ECHOES = [{"from": OWN_PHONE, "to": PHONE, "id": "wamid.E1", "type": "text", "text": {"body": "有的"}}]
LISTS = {
    "messages": MESSAGES,
    "statuses": STATUSES,
    "user_preferences": PREFERENCES,
    "user_id_update": UPDATES,
    "message_echoes": ECHOES,
}
THINGS: list[dict[str, Any]] = [
    {"message": {"mid": "m_1", "text": "嗨"}},
    {"message": {"mid": "m_1", "is_deleted": True}},
    {"message": {"mid": "m_2", "is_echo": True, "app_id": OUR_BOT, "metadata": '{"onefold":{"purpose":"welcome"}}'}},
    {"message": {"mid": "m_2", "is_echo": True, "is_deleted": True}},
    {"message": {"mid": "m_3", "attachments": [{"type": "image", "payload": {"url": "u"}}]}},
    {"message_edit": {"mid": "m_1", "text": "嗨嗨", "num_edit": 1}},
    {"reaction": {"mid": "m_2", "action": "react", "emoji": "❤"}},
    {"read": {"mid": "m_2"}},
    {"delivery": {"mids": ["m_2", "m_4"], "watermark": 1}},
    {"postback": {"mid": "m_5", "title": "開始", "payload": "START", "referral": {"ref": "r"}}},
    {"optin": {"type": "notification_messages", "title": "新品", "notification_messages_token": "t"}},
    {"referral": {"ref": "r", "source": "SHORTLINK"}},
    {"pass_thread_control": {"new_owner_app_id": "1"}},
]


def _turn(thing: dict[str, Any], account: str, person: str) -> dict[str, Any]:
    echo = "message" in thing and "is_echo" in thing["message"]
    return turn(*((account, person) if echo else (person, account)), **thing)


WHATSAPP_BODIES = st.lists(
    st.builds(
        lambda kind, number, some: change(kind, number, contacts=PEOPLE, **{kind: some}),
        kind := st.shared(st.sampled_from(sorted(LISTS))),
        st.sampled_from([OTHER_NUMBER, "118720394455016"]),
        kind.flatmap(lambda name: st.lists(st.sampled_from(LISTS[name]), min_size=1, max_size=4)),
    ),
    min_size=1,
    max_size=3,
).map(lambda changes: whatsapp(*changes))
PAGE_BODIES = st.lists(st.sampled_from(THINGS), min_size=1, max_size=5).map(
    lambda things: page(*(_turn(thing, PAGE, PSID) for thing in things))
)
INSTAGRAM_BODIES = st.lists(st.sampled_from(THINGS), min_size=1, max_size=5).map(
    lambda things: instagram(*(_turn(thing, INSTAGRAM, IGSID) for thing in things))
)
BODIES = st.one_of(WHATSAPP_BODIES, PAGE_BODIES, INSTAGRAM_BODIES)


def _check(body: Any, **settings: Any) -> None:
    before = copy.deepcopy(body)
    outcome = translated(body, **settings)
    assert repr(body) == repr(before)
    assert outcome.events or outcome.ignored or (isinstance(body, dict | list) and not _has_entries(body))
    assert {one.reason for one in outcome.ignored} <= REASONS
    for event in outcome.events:
        assert codec.decode(codec.encode(event)) == event
        assert event.contact is not None or event.intrinsic == []
        assert event.contact is None or event.account is None


def _has_entries(body: Any) -> bool:
    parts = body if isinstance(body, list) else [body]
    return any(not isinstance(part, dict) or part.get("entry") != [] for part in parts)


def _places(value: Any) -> Iterable[Any]:
    """Every object and list in the body."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _places(inner)


@st.composite
def _mutated(draw: st.DrawFn) -> Any:
    """A real body in which up to three values somewhere are others, or are gone."""
    body = copy.deepcopy(draw(BODIES))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([place for place in _places(body) if place] or [{"": 1}]))
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else list(range(len(place)))))
        if draw(st.booleans()):
            place[key] = draw(odd_json)
        else:
            del place[key]
    return body


SETTINGS = st.fixed_dictionaries(
    {"account": st.sampled_from([None, PAGE, INSTAGRAM, OTHER_NUMBER, "a:b"]), "provider": st.sampled_from([None, "p"])}
)


@given(odd_json, SETTINGS)
def test_any_json_is_translated_without_a_word(body: Any, settings: Any) -> None:
    _check(body, **settings)


@given(st.sampled_from(["page", "instagram", "whatsapp_business_account"]), st.lists(odd_json, max_size=4), SETTINGS)
def test_any_entries_are_each_accounted_for(object_name: str, entries: list[Any], settings: Any) -> None:
    _check({"object": object_name, "entry": entries}, **settings)


@given(
    st.sampled_from(["page", "instagram", "whatsapp_business_account"]),
    st.sampled_from(["messaging", "standby", "changes", "field", "value"]),
    st.lists(odd_json, max_size=3) | odd_json,
)
def test_any_items_are_each_accounted_for(object_name: str, name: str, items: Any) -> None:
    _check({"object": object_name, "entry": [{"id": PAGE, name: items}]})


@given(st.sampled_from(sorted([*LISTS, "calls", "groups", "history", "contacts", "metadata"])), odd_json)
def test_any_list_of_whatsapps_is_accounted_for(name: str, items: Any) -> None:
    _check(whatsapp(change(name, **{name: items})))
    _check(whatsapp(change(messages=[hello()], **({name: items} if name != "messages" else {}))))


@given(_mutated(), SETTINGS)
def test_real_bodies_gone_wrong_are_accounted_for(body: Any, settings: Any) -> None:
    _check(body, **settings)


@given(BODIES, st.integers(0, 4_000), st.binary(max_size=3))
def test_a_damaged_body_is_refused_or_translated(whole: Any, place: int, damage: bytes) -> None:
    raw = orjson.dumps(whole)
    place %= len(raw)
    try:
        body = lenient_json(raw[:place] + damage + raw[place + len(damage) :])
    except MalformedBody:
        return
    _check(body)


@given(BODIES)
def test_a_plain_body_gives_the_same_events_without_being_cleaned(whole: Any) -> None:
    body = parsed_body(orjson.dumps(whole))
    assert translated(body.value, plain=body.plain) == translated(body.value)


@given(BODIES)
def test_an_event_without_a_contact_keeps_its_account(body: Any) -> None:
    accounts = {PAGE, INSTAGRAM, NUMBER, OTHER_NUMBER}
    for event in translated(body).events:
        assert event.contact is not None or (event.account is not None and event.account.account in accounts)


@given(BODIES)
def test_a_repeat_is_the_same_events(body: Any) -> None:
    assert translated(body) == translated(orjson.loads(orjson.dumps(body)))


@given(BODIES, st.randoms(use_true_random=False))
def test_the_order_of_entries_and_items_changes_no_event(body: Any, random: Any) -> None:
    mixed = copy.deepcopy(body)
    for place in _places(mixed):
        if isinstance(place, list):
            random.shuffle(place)
    assert _told(translated(mixed).events) == _told(translated(body).events)


@given(BODIES)
def test_a_body_split_by_item_says_the_same_as_the_whole(body: Any) -> None:
    parts = [event for part in _split(body) for event in translated(part).events]
    assert _told(parts) == _told(translated(body).events)


@given(st.sampled_from(["facebook", "instagram"]))
def test_everything_about_one_message_is_told_apart(channel: str) -> None:
    body = (
        page(*(_turn(thing, PAGE, PSID) for thing in THINGS))
        if channel == "facebook"
        else instagram(*(_turn(thing, INSTAGRAM, IGSID) for thing in THINGS))
    )
    events = translated(body).events
    assert len({event.event_id for event in events}) == len(events) == len(THINGS) + 1


def _told(events: Iterable[Event]) -> dict[tuple[str, str | None], bytes]:
    """The events by what makes each one event: its id and its contact."""
    return {
        (event.event_id, event.contact.key if event.contact else None): codec.encode(event)
        for event in sorted(events, key=codec.encode)
    }


def _split(body: Any) -> Iterable[Any]:
    for entry in body["entry"]:
        for item in entry.get("messaging", []):
            yield body | {"entry": [entry | {"messaging": [item]}]}
        for one in entry.get("changes", []):
            (kind,) = one["value"].keys() & LISTS.keys()
            for item in one["value"][kind]:
                value = one["value"] | {kind: [item]}
                yield body | {"entry": [entry | {"changes": [one | {"value": value}]}]}
