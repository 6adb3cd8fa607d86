"""An account is never its own contact: on no channel, in neither direction, whichever field names it."""

from collections.abc import Iterable
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from projections.identity.resolution.phones import matching_key
from schemas import codec
from schemas.events import Event
from tests.support import line_bodies, meta_bodies
from tests.support.meta_bodies import (
    BSUID,
    INSTAGRAM,
    NUMBER,
    OWN_PHONE,
    PAGE,
    PHONE,
    PSID,
    SECONDS,
    change,
    instagram,
    page,
    turn,
    whatsapp,
)

OURS_IN_MEXICO = ["5215512345678", "525512345678", "+52 1 55 1234 5678"]
OURS = st.shared(st.sampled_from([OWN_PHONE, *OURS_IN_MEXICO]), key="ours")
NUMBERS = st.one_of(
    st.sampled_from([PHONE, None, NUMBER, BSUID]),
    OURS.flatmap(lambda ours: st.sampled_from(OURS_IN_MEXICO[:2] if ours in OURS_IN_MEXICO else [ours, f"+{ours}"])),
)
TIME = str(SECONDS)
ITEMS = {
    "messages": st.one_of(
        st.builds(
            lambda sender, to, type_name: {"id": "w", "from": sender, "to": to, "timestamp": TIME, "type": type_name},
            NUMBERS,
            NUMBERS,
            st.sampled_from(["text", "image", "media_placeholder", "reaction"]),
        ),
        st.builds(
            lambda sender, to: {
                "from": sender,
                "type": "system",
                "system": {"type": "user_changed_number", "wa_id": to},
            },
            NUMBERS,
            NUMBERS,
        ),
        st.builds(
            lambda sender, card: {
                "from": sender,
                "type": "contacts",
                "origin": "contact_request",
                "contacts": [{"phones": [{"phone": card, "wa_id": card}]}],
            },
            NUMBERS,
            NUMBERS,
        ),
    ),
    "message_echoes": st.builds(lambda to: {"from": OWN_PHONE, "to": to, "id": "w", "type": "text"}, NUMBERS),
    "statuses": st.builds(lambda to: {"id": "w", "status": "failed", "recipient_id": to}, NUMBERS),
    "user_preferences": st.builds(
        lambda who: {"wa_id": who, "category": "marketing_messages", "value": "stop"}, NUMBERS
    ),
    "user_id_update": st.builds(
        lambda who, old: {"wa_id": who, "user_id": {"previous": old, "current": BSUID}}, NUMBERS, NUMBERS
    ),
    "calls": st.builds(
        lambda sender, to, direction: {"id": "c", "from": sender, "to": to, "direction": direction},
        NUMBERS,
        NUMBERS,
        st.sampled_from(["BUSINESS_INITIATED", "USER_INITIATED", None]),
    ),
    "state_sync": st.builds(
        lambda who: {"action": "add", "contact": {"phone_number": who, "full_name": "清山"}}, NUMBERS
    ),
    "history": st.builds(
        lambda sender, thread: {"threads": [{"id": thread, "messages": [{"from": sender, "type": "text", "id": "w"}]}]},
        NUMBERS,
        NUMBERS,
    ),
}


def _of_whatsapp(kind: str, items: list[Any], ours: str, people: list[Any]) -> Any:
    lists: dict[str, Any] = {"contacts": [{"wa_id": wa_id} for wa_id in people], kind: items}
    one = change(kind, **lists)
    one["value"]["metadata"]["display_phone_number"] = ours
    return whatsapp(one)


WHATSAPP_BODIES = st.sampled_from(sorted(ITEMS)).flatmap(
    lambda kind: st.builds(
        _of_whatsapp, st.just(kind), st.lists(ITEMS[kind], min_size=1, max_size=3), OURS, st.lists(NUMBERS, max_size=2)
    )
)
THINGS = st.sampled_from(
    [
        {"message": {"mid": "m", "text": "x"}},
        {"message": {"mid": "m", "is_echo": True}},
        {"message": {"mid": "m", "is_deleted": True}},
        {"postback": {"payload": "x"}},
        {"optin": {"type": "notification_messages", "title": "x"}},
        {"reaction": {"mid": "m", "emoji": "x"}},
        {"read": {"mid": "m"}},
        {"referral": {"ref": "x"}},
        {"delivery": {"mids": ["m"]}},
    ]
)


def _names(event: Event) -> Iterable[str]:
    """The uid and every phone that the event names as a person's, each in the one spelling."""
    raw = codec.encode(event)
    whole: dict[str, Any] = orjson.loads(raw)
    data = whole["data"]
    refs = [
        whole.get("contact"),
        data.get("linked_contact"),
        data.get("by") if isinstance(data.get("by"), dict) else None,
    ]
    yield from (ref["uid"] for ref in refs if ref)
    identifiers = [*whole["intrinsic"], *(data["identifiers"] if isinstance(data.get("identifiers"), list) else [])]
    yield from (one["value"].removeprefix("+") for one in identifiers if one["type"] == "phone")


def _one_spelling(number: str) -> str:
    return matching_key("+" + "".join(filter(str.isdigit, number)))


@given(WHATSAPP_BODIES, OURS)
def test_a_number_of_whatsapp_is_never_its_own_contact(body: Any, ours: str) -> None:
    own = {_one_spelling(ours), _one_spelling(NUMBER)}
    for event in meta_bodies.translated(body).events:
        assert own.isdisjoint(_one_spelling(name) for name in _names(event) if name != BSUID)


@given(
    st.sampled_from([(page, PAGE), (instagram, INSTAGRAM)]),
    st.lists(st.tuples(st.booleans(), st.booleans(), THINGS), min_size=1, max_size=3),
    st.booleans(),
)
def test_a_page_or_an_instagram_account_is_never_its_own_contact(
    channel: Any, sides: list[tuple[bool, bool, Any]], configured: bool
) -> None:
    wrap, own = channel
    items = [turn(own if ours else PSID, own if to_us else PSID, **thing) for ours, to_us, thing in sides]
    for event in meta_bodies.translated(wrap(*items), account=own if configured else None).events:
        assert event.contact is None or event.contact.uid != own


@given(st.sampled_from(["comments", "live_comments", "mentions", "feed"]), st.booleans())
def test_an_account_that_comments_on_its_own_post_is_no_contact(field: str, on_instagram: bool) -> None:
    wrap, own = (instagram, INSTAGRAM) if on_instagram else (page, PAGE)
    value = {"id": "c1", "from": {"id": own}, "text": "x"}
    (event,) = meta_bodies.events_of(wrap(messaging=None, changes=[{"field": field, "value": value}]))
    assert event.contact is None


@given(st.sampled_from(["echo", "message", "postback", "comments", "live_comments"]))
def test_an_account_of_instagram_is_no_contact_by_its_other_id_either(kind: str) -> None:
    other_id = "1204770000000001"
    if "comments" in kind:
        value = {"id": "c1", "from": {"id": other_id, "self_ig_scoped_id": other_id}, "text": "x"}
        body = instagram(messaging=None, changes=[{"field": kind, "value": value}])
    else:
        items: dict[str, dict[str, Any]] = {
            "echo": {"message": {"mid": "m", "text": "x", "is_echo": True, "is_self": True}},
            "message": {"message": {"mid": "m", "text": "x", "is_self": True}},
            "postback": {"postback": {"payload": "x"}, "is_self": True},
        }
        body = instagram(turn(INSTAGRAM, other_id, **items[kind]), turn(other_id, INSTAGRAM, **items[kind]))
    for event in meta_bodies.events_of(body):
        assert (event.contact, event.account and event.account.account) == (None, INSTAGRAM)


@given(st.sampled_from(["message", "follow", "unfollow", "postback", "unsend"]), st.booleans())
def test_an_account_of_line_is_never_its_own_contact(type_name: str, configured: bool) -> None:
    own = line_bodies.DESTINATION
    given_entry = line_bodies.entry(type_name, source={"type": "user", "userId": own}, message=line_bodies.TEXT)
    account = "qingshan" if configured else None
    for event in line_bodies.translated(given_entry, account=account).events:
        assert event.contact is None
        assert event.intrinsic == []
