"""A brand's customers, made from a seed: what the read models of contacts and identity hold of them. Pure.

Tags, accounts, branches and cities are skewed as they are in practice: a few are on very many customers. Blocks of
customers are independent of each other, so that several processes can make them.
"""

from bisect import bisect
from collections.abc import Callable, Iterator
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

import orjson

from projections.attributes.tables import AttributeRow
from projections.bindings.tables import BindingRow
from projections.consents.tables import ConsentRow
from projections.contacts.records import ContactRecord
from projections.contacts.tables import ContactRow
from projections.customers.folds import CustomerIdentity, OwnContact
from projections.notifications.tables import NotificationRow
from projections.tags.tables import TagRow
from schemas.events.subscription import MARKETING_KINDS

TENANT: Final = "bench"
BLOCK: Final = 1_000  # customers
END_MS: Final = 1_790_000_000_000  # no event of the population is later
DAY_MS: Final = 86_400_000
_SEED: Final = 1
_YEARS_MS: Final = 3 * 365 * DAY_MS

SURNAMES: Final = "陳林黃張李王吳劉蔡楊許鄭謝郭洪曾邱廖賴周徐蘇葉莊呂江何蕭羅高潘簡朱鍾彭游詹胡施沈余盧梁趙顏柯翁魏孫戴"
GIVEN: Final = "美怡君雅婷志明淑芬家豪俊傑宗翰冠宇欣惠雯宜靜慧玲秀英文雄建宏佳穎詩涵承恩柏翰子晴品妍宥廷思妤語彤芷若"
CITIES: Final = ("台北", "新北", "台中", "高雄", "桃園", "台南", "新竹", "彰化", "屏東", "雲林", "基隆", "嘉義", "宜蘭")
SIZES: Final = ("S", "M", "L", "XL")


class Zipf:
    """Chooses among names, the first of which are the most frequent."""

    def __init__(self, names: tuple[str, ...], exponent: float = 1.0) -> None:
        self.names = names
        self._upto = list(accumulate(1 / (rank + 1) ** exponent for rank in range(len(names))))

    def choose(self, chance: Random) -> str:
        """One of the names."""
        return self.names[bisect(self._upto, chance.random() * self._upto[-1])]


TAGS: Final = Zipf(tuple(f"tag-{number:03d}" for number in range(500)))
BRANCHES: Final = Zipf(tuple(f"branch-{number:03d}" for number in range(200)), 0.5)
_CITIES: Final = Zipf(CITIES)
ACCOUNTS: Final = {
    "line": Zipf(("oa-taipei", "oa-taichung", "oa-kaohsiung")),
    "web": Zipf(("shop",)),
    "facebook": Zipf(("page-1", "page-2")),
    "instagram": Zipf(("ig-1",)),
    "whatsapp": Zipf(("wa-1",)),
}
_CHANNELS: Final = tuple(ACCOUNTS)
_SHARES: Final = (0.75, 0.5, 0.35, 0.25, 0.15)  # of customers that have a contact on the channel: two of them each


class MadeCustomer(NamedTuple):
    """A customer and its contacts; the first one is its founder, by whose id it goes."""

    identity: CustomerIdentity
    contacts: list[OwnContact]


class _Person(NamedTuple):
    """Of whom a customer's contacts are: its number, its name, and when its first contact was seen, in ms."""

    number: int
    name: str
    since: int


def customers_in(block: int, customers: int, id_of: Callable[[str], UUID]) -> Iterator[MadeCustomer]:
    """The customers of a block, of so many in all. ``id_of`` gives the id of a contact by its key."""
    chance = Random(f"{_SEED}:{block}")
    for number in range(block * BLOCK, min((block + 1) * BLOCK, customers)):
        yield _customer(chance, number, id_of)


def contact_of(number: int, channel: str = "line") -> str:
    """The uid of a customer's contact on a channel, whether it has one or not."""
    return f"{channel[0]}{number:08d}"


def phone_of(number: int) -> str:
    """The phone of a customer that has one."""
    return f"+8869{number:08d}"


def email_of(number: int) -> str:
    """The e-mail address of a customer that has one."""
    return f"c{number:08d}@example.tw"


def member_of(number: int) -> str:
    """The member id of a customer that has one."""
    return f"M{number:08d}"


def _customer(chance: Random, number: int, id_of: Callable[[str], UUID]) -> MadeCustomer:
    channels = [name for name, share in zip(_CHANNELS, _SHARES, strict=True) if chance.random() < share]
    name = chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=chance.choice((1, 2, 2, 2))))
    since = END_MS - int(chance.random() * _YEARS_MS)
    person = _Person(number, name, since)
    rows = [_contact(chance, person, channel, id_of) for channel in channels or ["line"]]
    records = [_record(chance, row, rows[0]) for row in rows]
    identity = CustomerIdentity(
        rows[0].contact_id,
        member_of(number) if chance.random() < 0.35 else None,
        phone_of(number) if chance.random() < 0.3 else None,
        email_of(number) if chance.random() < 0.25 else None,
    )
    return MadeCustomer(identity, [OwnContact(record) for record in records])


def _contact(chance: Random, person: _Person, channel: str, id_of: Callable[[str], UUID]) -> ContactRow:
    account, uid = ACCOUNTS[channel].choose(chance), contact_of(person.number, channel)
    contact_id = id_of(f"{channel}:{account}:{uid}")
    first = person.since + int((END_MS - person.since) * chance.random() ** 3)
    row = ContactRow(TENANT, contact_id, channel, account, uid, first)
    stamps: dict[str, list[object]] = {}
    if channel != "web" or chance.random() < 0.2:
        stamps["display_name"] = [True, first, f"{uid}-p"]
        row = row._replace(display_name=person.name)
    if chance.random() < 0.08:
        stamps["staff"] = [True, first, f"{uid}-s"]
        branch = BRANCHES.choose(chance)
        row = row._replace(staff_member=f"amy-{branch[-2:]}", staff_branch=branch, staff_at=first)
    refused = _refused(chance)
    stamps |= {kind: [first, True, f"{uid}-o"] for kind in refused}
    return _subscribed(
        chance,
        row._replace(
            opted_out=len(refused) == len(MARKETING_KINDS),
            last_customer_at=_latest(chance, first, 60) if channel != "web" else None,
            last_team_at=_latest(chance, first, 120) if chance.random() < 0.3 else None,
            last_marketing_at=_latest(chance, first, 30) if chance.random() < 0.5 else None,
            stamps=orjson.dumps(stamps, option=orjson.OPT_SORT_KEYS).decode(),
        ),
    )


def _refused(chance: Random) -> list[str]:
    dice = chance.random()
    if dice < 0.01:
        return sorted(MARKETING_KINDS)
    return ["broadcast"] if dice < 0.05 else []


def _latest(chance: Random, first: int, days: int) -> int:
    """A time of which most are within so many days before the end."""
    return max(first, END_MS - int(chance.expovariate(1 / (days * DAY_MS))))


def _subscribed(chance: Random, row: ContactRow) -> ContactRow:
    at, dice = row.first_seen_at, chance.random()
    if row.channel == "web" or dice < 0.05:
        return row
    followed = [True, at, f"{row.uid}-f", at, f"{row.uid}-f"]
    if dice < 0.15:
        blocked = [False, at + DAY_MS, f"{row.uid}-b", at + DAY_MS, f"{row.uid}-b"]
        return row._replace(subscribed=False, runs=orjson.dumps([followed, blocked]).decode())
    runs = orjson.dumps([followed]).decode()
    return row._replace(subscribed=True, subscribed_at=at, valid_since=None if row.opted_out else at, runs=runs)


def _record(chance: Random, row: ContactRow, first: ContactRow) -> ContactRecord:
    """The contact's rows; the first contact of a customer has most of the tags and attributes."""
    many = row is first
    return ContactRecord(
        row,
        tags=tuple(_tags(chance, row, 1.6 if many else 0.6)),
        attributes=tuple(_attributes(chance, row)) if many else (),
        consents=tuple(
            ConsentRow(
                TENANT, row.contact_id, kind, allowed=False, at=row.first_seen_at, event_id=f"{row.uid}-o", by=None
            )
            for kind, stamp in sorted(orjson.loads(row.stamps).items())
            if kind in MARKETING_KINDS
        ),
        notifications=tuple(_notifications(chance, row)),
        bindings=tuple(_bindings(chance, row)),
    )


def _tags(chance: Random, row: ContactRow, mean: float) -> Iterator[TagRow]:
    names = {TAGS.choose(chance) for _ in range(int(chance.expovariate(1 / (mean + 0.5))))}
    for name in sorted(names):
        at = _latest(chance, row.first_seen_at, 200)
        until = at + 365 * DAY_MS if chance.random() < 0.1 else None
        count = 1 + int(chance.expovariate(1.5))
        yield TagRow(TENANT, row.contact_id, name, count, at, f"{row.uid}-{name}", "bot", until, until is not None)


def _attributes(chance: Random, row: ContactRow) -> Iterator[AttributeRow]:
    values: list[tuple[float, str, str, object]] = [
        (
            0.3,
            "birthday",
            "date",
            f"{1950 + chance.randrange(60)}-{1 + chance.randrange(12):02d}-{1 + chance.randrange(28):02d}",
        ),
        (0.4, "city", "text", _CITIES.choose(chance)),
        (0.3, "points", "number", chance.randrange(5_000)),
        (0.2, "size", "text", chance.choice(SIZES)),
        (0.5, "total_spent", "number", int(chance.expovariate(1 / 5_000))),
        (0.1, "vip", "boolean", chance.random() < 0.5),
    ]
    for share, key, kind, value in values:
        if chance.random() < share:
            yield AttributeRow(
                TENANT, row.contact_id, key, orjson.dumps(value).decode(), kind, row.first_seen_at, f"{row.uid}-{key}"
            )


def _notifications(chance: Random, row: ContactRow) -> Iterator[NotificationRow]:
    if row.channel == "facebook" and chance.random() < 0.15:
        yield NotificationRow(
            TENANT, row.contact_id, "default", active=True, frequency="WEEKLY", token=None, expires_at=None,
            at=row.first_seen_at, event_id=f"{row.uid}-n",
        )  # fmt: skip


def _bindings(chance: Random, row: ContactRow) -> Iterator[BindingRow]:
    if row.channel != "web" and chance.random() < 0.2:
        yield BindingRow(
            TENANT, row.contact_id, "contact", f"web:shop:{row.uid}", "site_button", bound=True, at=row.first_seen_at,
            event_id=f"{row.uid}-w",
        )  # fmt: skip
