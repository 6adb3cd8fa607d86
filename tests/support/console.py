"""The console on a real PostgreSQL, with a small brand whose customers have hostile names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.console.main import console_service
from services.control.access import access_service
from services.query.core.timelines import MOST_BYTES
from services.query.main import query_service
from services.runtime.application import Application, application
from services.runtime.settings import Settings
from tests.support.contact_records import event
from tests.support.quota import quota
from tests.support.read_api import Brand, open_brand
from tests.support.searches import compose_all

SCRIPT = "<script>document.title='ran'</script>"
SITE = {"channel": "web", "account": "shop", "uid": "c1"}
PHONE = [{"type": "phone", "value": "+886911111111", "assurance": "verified"}]
MEI, WANG, HOSTILE = "line:oa1:U1", "whatsapp:n1:886911111111", "line:oa1:U2"
LIVES = (
    event("contact.followed", 1, contact=MEI),
    event("profile.updated", 2, contact=MEI, display_name="林小美"),
    event("tag.added", 3, contact=MEI, tag="vip", source="manual"),
    event("tag.added", 4, contact=MEI, tag="新客", source="journey"),
    event("attribute.set", 5, contact="web:shop:c1", key="points", value=12),
    event("identity.bound", 6, contact=MEI, linked_contact=SITE, via="site_button"),
    event("message.received", 7, contact=WANG, text="hi", message_id="m1", kind="text"),
    event("profile.updated", 8, contact=WANG, display_name="王大明"),
    event("identity.bound", 9, contact=WANG, identifiers=PHONE, via="channel"),
    event("contact.followed", 10, contact=HOSTILE),
    event("profile.updated", 11, contact=HOSTILE, display_name=SCRIPT, avatar="javascript:document.title='ran'"),
    event("tag.added", 12, contact=HOSTILE, tag="<img src=x onerror=\"document.title='ran'\">", source="manual"),
    quota(4, 13),
)


def create_app(settings: Settings, *, page_bytes: int = MOST_BYTES) -> Application:
    """The read API and the console as one application, which needs no Kafka."""
    services = (query_service(settings, page_bytes=page_bytes), console_service(settings))
    return application(access_service(settings), *services, title="Onefold")


@asynccontextmanager
async def open_console(settings: Settings) -> AsyncIterator[Brand]:
    """The tenants ``demo``, which has customers, and ``other``, which has none."""
    async with open_brand(settings, make_app=create_app) as brand:
        await brand.fold(*LIVES)
        await compose_all(brand.connection)
        yield brand
