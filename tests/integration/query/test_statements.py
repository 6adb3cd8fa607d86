"""How much a page reads: each thing once, in as many statements for a customer of many contacts as for one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from schemas.events import ContactRef
from services.query.adapters.single_connection import SingleConnection
from services.query.core.timelines import TimelineQuery
from services.query.handlers.customer_lookup import CustomerLookup
from services.query.handlers.reader import CustomerReader
from services.runtime.settings import Settings
from tests.support.identity_events import bound, event
from tests.support.read_api import NOW, Brand
from tests.support.worked_example import FOLLOWS, LINE, ONE_CUSTOMER, PHONE

CONTACT = ContactRef(channel="line", account="oa1", uid="U1")
Ask = Callable[[CustomerReader], Awaitable[Any]]


@dataclass
class Counted:
    """A reader on one connection, and the statements that it has sent."""

    reader: CustomerReader
    statements: list[str] = field(default_factory=list)

    async def asks(self, question: Ask) -> list[str]:
        """The statements that answering takes; those that begin and end the snapshot are not among them."""
        await question(self.reader)  # the first time, asyncpg also asks for the types of the arrays
        await asyncio.sleep(0)
        self.statements.clear()
        await question(self.reader)
        await asyncio.sleep(0)  # the connection tells of a statement one turn of the loop later
        began, *read, ended = self.statements
        assert (began[:5], ended[:6]) == ("BEGIN", "COMMIT")
        return read


@pytest.fixture
async def counted(brand: Brand, settings: Settings) -> AsyncIterator[Counted]:
    connection = await asyncpg.connect(brand.url, server_settings={"search_path": "g1"})
    made = Counted(CustomerReader(SingleConnection(connection), CustomerLookup.of(settings)))

    def note(query: Any) -> None:
        made.statements.append(query.query)

    connection.add_query_logger(note)
    yield made
    await connection.close()


QUESTIONS: dict[str, tuple[int, Ask]] = {  # the first statement of each is the resolution in force
    "a contact": (3, lambda reader: reader.contact("demo", CONTACT, NOW)),
    "a customer by a contact": (5, lambda reader: reader.customer("demo", f"contact:{LINE}", NOW)),
    "a customer by a value": (6, lambda reader: reader.customer("demo", f"phone:{PHONE}", NOW)),
    "its contacts": (5, lambda reader: reader.contacts("demo", f"contact:{LINE}", NOW)),
    "its timeline": (5, lambda reader: reader.customer_timeline("demo", f"contact:{LINE}", TimelineQuery(50))),
    "the events around one": (
        7,
        lambda reader: reader.customer_timeline("demo", f"contact:{LINE}", TimelineQuery(50, around=FOLLOWS.event_id)),
    ),
    "a contact's timeline": (2, lambda reader: reader.contact_timeline("demo", CONTACT, TimelineQuery(50))),
}


@pytest.mark.parametrize(("statements", "question"), QUESTIONS.values(), ids=QUESTIONS)
async def test_nothing_is_read_twice_however_many_contacts_there_are(
    brand: Brand, counted: Counted, statements: int, question: Ask
) -> None:
    await brand.fold(*ONE_CUSTOMER)
    of_three = await counted.asks(question)
    assert len(of_three) == len(set(of_three)) == statements
    for n in range(20):
        site = f"web:shop:more{n}"
        await brand.fold(event(site, "web.tracked", {"event": "view"}, at=10), bound(site, member_id="M7", at=11))
    assert await counted.asks(question) == of_three
    assert len((await brand.json(f"/v1/customers/contact:{LINE}/contacts"))["contacts"]) == 23
