"""The people: their names, their contacts on the brand's channels, and how often they turn up. Pure.

Phone numbers are Taiwanese mobile numbers from one block; mail addresses are of ``example.com``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from services.demo import brand
from services.demo.timing import DAY, YEAR, chance, random_time, time_after

_SURNAMES: Final = (
    "陳林黃張李王吳劉蔡楊許鄭謝洪郭邱曾廖賴徐周葉蘇莊呂江何蕭羅高潘簡朱鍾彭游詹胡施沈余趙盧梁顏柯翁魏孫戴"
)
_GIVEN_NAMES: Final = (
    "怡君 雅婷 欣怡 詩涵 佩珊 宜蓁 筱涵 思穎 郁婷 惠雯 淑芬 美玲 麗華 秀英 佳蓉 "
    "家豪 志明 俊宏 建宏 冠宇 宗翰 柏翰 承恩 彥廷 明哲 文雄 信宏 子軒 宇翔 品睿"
).split()
_NICKNAMES: Final = ("小{}", "阿{}", "{}🌸", "{}媽", "{}✨", "{} 🍵", "愛喝茶的{}", "{}.tw")
_ENGLISH: Final = ("Kevin", "Amy", "Jason", "Vivian", "Eric", "Tina", "Peggy", "Ryan", "Emily", "Leo", "Grace", "Alex")
_LOCALES: Final = {"zh-TW": 90, "zh-HK": 4, "en": 4, "ja": 2}

# How many percent of the people the brand knows on each channel.
SHARES: Final = {"line": 78, "facebook": 16, "instagram": 13, "whatsapp": 4, "web": 36, "crm": 18}
# How the visits of one person are spread over the person's channels.
VISIT_WEIGHTS: Final = {"line": 10, "facebook": 6, "instagram": 5, "whatsapp": 7, "web": 8, "crm": 1}


@dataclass(frozen=True, slots=True)
class Contact:
    """One person on one account."""

    channel: str
    account: str
    uid: str

    @property
    def key(self) -> str:
        """The contact key."""
        return f"{self.channel}:{self.account}:{self.uid}"

    @property
    def ref(self) -> dict[str, str]:
        """The contact as an event carries it."""
        return {"channel": self.channel, "account": self.account, "uid": self.uid}


@dataclass(frozen=True, slots=True)
class Person:
    """A customer: who it is, the span in which it visits, and the weight of its visits among all people's."""

    number: int
    name: str
    nickname: str
    locale: str
    joined_at: int
    left_at: int
    weight: float
    member_id: str | None
    phone: str
    email: str
    branch: brand.Branch
    contacts: tuple[Contact, ...]

    def on(self, channel: str) -> Contact | None:
        """The person's first contact on a channel."""
        return next((contact for contact in self.contacts if contact.channel == channel), None)

    @property
    def login_identifiers(self) -> list[dict[str, str]]:
        """What a login states: the member id (if any) as verified, phone and e-mail as typed."""
        member = [{"type": "member_id", "value": self.member_id, "assurance": "verified"}] if self.member_id else []
        return [
            *member,
            {"type": "phone", "value": self.phone, "assurance": "claimed"},
            {"type": "email", "value": self.email, "assurance": "claimed"},
        ]


def population(rng: Random, size: int, until_ms: int) -> list[Person]:
    """Make ``size`` people, in the order in which they joined."""
    start = until_ms - YEAR
    people: list[Person] = []
    for number, joined_at in enumerate(sorted(_joined_at(rng, start) for _ in range(size))):
        # About one in a hundred gives a family member's phone.
        family = people[-1].phone if people and chance(rng, 1) else None
        people.append(_person(rng, number, joined_at, until_ms, family))
    return people


def _joined_at(rng: Random, start: int) -> int:
    """A third join in the first weeks, the others through the year."""
    days = rng.expovariate(1 / 12) if chance(rng, 33) else rng.uniform(0, 362)
    day = start + int(min(days, 362) * DAY)
    return random_time(rng, day, day + DAY)


def _person(rng: Random, number: int, joined_at: int, until_ms: int, family_phone: str | None) -> Person:
    name = rng.choice(_SURNAMES) + rng.choice(_GIVEN_NAMES)
    phone = family_phone or f"+8869000{number % 100_000:05d}"
    contacts = tuple(_contacts(rng, number, phone))
    member = any(contact.channel == "crm" for contact in contacts) or chance(rng, 40)
    return Person(
        number=number,
        name=name,
        nickname=_nickname(rng, name),
        locale=rng.choices(list(_LOCALES), list(_LOCALES.values()))[0],
        joined_at=joined_at,
        left_at=until_ms if chance(rng, 30) else min(until_ms, time_after(rng, joined_at, 120 * DAY)),
        weight=min(25.0, rng.paretovariate(1.16)),  # a long tail: a fifth of the people make most of the visits
        member_id=member_id_of(number) if member else None,
        phone=phone,
        email=f"tea{number:05d}@{rng.choice(('mail', 'inbox', 'post'))}.example.com",
        branch=rng.choice(brand.BRANCHES),
        contacts=contacts,
    )


def _nickname(rng: Random, name: str) -> str:
    if chance(rng, 50):
        return name
    return rng.choice(_NICKNAMES).format(name[-1]) if chance(rng, 60) else rng.choice(_ENGLISH)


def _contacts(rng: Random, number: int, phone: str) -> Iterator[Contact]:
    channels = [channel for channel, share in SHARES.items() if chance(rng, share)] or ["line"]
    for channel in channels:
        yield contact_on(rng, channel, number, phone)
    if "web" in channels and chance(rng, 30):  # the phone's browser beside the one inside LINE
        yield contact_on(rng, "web", number, phone)


def member_id_of(number: int) -> str:
    """The number on the member's card."""
    return f"WG{number + 1:06d}"


def contact_on(rng: Random, channel: str, number: int, phone: str) -> Contact:
    """Make a contact with a uid of the kind that the channel gives."""
    uids: Mapping[str, Callable[[], str]] = {
        "line": lambda: f"U{rng.getrandbits(128):032x}",
        "facebook": lambda: str(rng.randint(10**15, 10**16 - 1)),
        "instagram": lambda: str(rng.randint(10**15, 10**16 - 1)),
        "whatsapp": lambda: phone.removeprefix("+"),
        "web": lambda: f"c-{rng.getrandbits(96):024x}",
        "crm": lambda: member_id_of(number),
    }
    return Contact(channel, brand.ACCOUNTS[channel], uids[channel]())
