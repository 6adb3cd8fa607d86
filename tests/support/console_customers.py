"""Customers for the pages of the console: one with everything, one that is probably the same person, and bad texts."""

from typing import Final

from projections.identity.resolution.links import MEMBER_ID
from schemas.events import Event
from tests.support.identity_events import bound, claimed, event, ref, stated
from tests.support.strategies import DAY_MS

LINE: Final = "line:oa-taipei:U5d2f8c1e9a7b4d3f8c1e9a7b4d3f8c1e"
MESSENGER: Final = "facebook:301:7001"
BROWSER: Final = "web:shop:c1"
OTHER: Final = "whatsapp:886277001234:886922333444"
RECORD: Final = "crm:members:88"
PHONE: Final = "+886911222333"
SCRIPT: Final = "<script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
MESSAGES: Final = 45


def rich_customer() -> list[Event]:
    """A customer with contacts on three channels; what the public typed holds markup and scripts."""
    return [
        *_line(),
        *_browser(),
        *_messenger(),
        *_conversation(),
        bound(LINE, phone=PHONE, at=3 * DAY_MS, event_id="otp-1"),
        stated(MESSENGER, phone=PHONE, at=5 * DAY_MS),
        bound(BROWSER, member_id="M7", at=6 * DAY_MS),
        bound(LINE, member_id="M7", at=7 * DAY_MS),
        event("web:shop:c2", "web.tracked", {"event": "Product Viewed"}, at=8 * DAY_MS),
        bound("web:shop:c2", member_id="M8", at=8 * DAY_MS),
        claimed("web:shop:c2", email="mei@example.com", at=8 * DAY_MS),
        claimed(BROWSER, email="mei@example.com", at=9 * DAY_MS),
    ]


def other_people() -> list[Event]:
    """Two members with one name and one birthday, so that they are a candidate; and values that are no evidence."""
    return [
        *_named(OTHER, "王大明"),
        *_named(RECORD, "王大明"),
        bound(OTHER, **{MEMBER_ID: "M20"}, at=DAY_MS),
        stated(RECORD, **{MEMBER_ID: "M21"}, at=DAY_MS),
        stated(RECORD, phone="000", at=DAY_MS),
    ]


def people_of_another_brand() -> list[Event]:
    """Two visitors of the tenant ``other`` who typed one e-mail address, so that they are one customer."""
    visitors = ("web:shop:v1", "web:shop:v2")
    typed = [claimed(one, email="mei@example.com", at=DAY_MS) for one in visitors]
    return [one.model_copy(update={"tenant": "other"}) for one in typed]


def _named(contact: str, name: str) -> list[Event]:
    return [
        event(contact, "profile.updated", {"display_name": name}, at=DAY_MS),
        event(contact, "attribute.set", {"key": "birthday", "value": "1990-01-31", "type": "text"}, at=DAY_MS),
    ]


def _line() -> list[Event]:
    return [
        event(LINE, "contact.followed", {"via": "add_friend"}, at=0),
        event(
            LINE,
            "profile.updated",
            {"display_name": "林小美", "avatar": "javascript:document.title='taken'"},
            at=6 * DAY_MS,
        ),
        event(LINE, "tag.added", {"tag": "新品通知", "source": "keyword_auto_reply"}, at=DAY_MS, event_id="tag-1"),
        event(LINE, "tag.added", {"tag": "新品通知", "source": "keyword_auto_reply"}, at=2 * DAY_MS, event_id="tag-2"),
        event(LINE, "tag.added", {"tag": SCRIPT, "source": "open_api"}, at=2 * DAY_MS, event_id="tag-3"),
        event(LINE, "attribute.set", {"key": "birthday", "value": "1992-03-14", "type": "date"}, at=2 * DAY_MS),
        event(LINE, "attribute.set", {"key": "vip", "value": True, "type": "boolean"}, at=2 * DAY_MS),
        event(LINE, "omo.bound", {"member": "陳店長", "branch": "信義店"}, at=2 * DAY_MS),
        event(
            LINE,
            "identity.bound",
            {"linked_contact": ref(BROWSER), "via": "site_button"},
            at=4 * DAY_MS,
            event_id="site-1",
        ),
    ]


def _browser() -> list[Event]:
    return [
        event(BROWSER, "web.tracked", {"event": "Product Viewed", "url": "https://shop.example/p/1"}, at=4 * DAY_MS),
        event(BROWSER, "attribute.set", {"key": "note", "value": SCRIPT, "type": "text"}, at=4 * DAY_MS),
    ]


def _messenger() -> list[Event]:
    return [
        event(MESSENGER, "profile.updated", {"display_name": SCRIPT}, at=5 * DAY_MS - 1),
        event(MESSENGER, "contact.followed", {"via": "get_started"}, at=5 * DAY_MS),
        event(MESSENGER, "notification.opted_in", {"topic": "每週新品", "frequency": "weekly"}, at=5 * DAY_MS),
        event(MESSENGER, "tag.added", {"tag": "VIP", "source": "manual"}, at=5 * DAY_MS),
    ]


def _conversation() -> list[Event]:
    texts = ["請問這件還有貨嗎?", "有的, M 號還有三件", SCRIPT, "謝謝!"]
    return [
        event(
            LINE,
            "message.received" if number % 2 == 0 else "team.message_sent",
            {"message_id": f"m{number}", "text": f"{texts[number % 4]} ({number})"}
            | ({"purpose": "conversation", "agent": "Amy"} if number % 2 else {}),
            at=10 * DAY_MS + number * 60_000,
            event_id=f"message-{number}",
        )
        for number in range(MESSAGES)
    ]
