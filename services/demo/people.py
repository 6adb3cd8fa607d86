"""The people: their names, their contacts on the brand's channels, and how often they turn up. Pure.

Phone numbers are Taiwanese mobile numbers from one block; mail addresses are of ``example.com``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from services.demo import brand
from services.demo.dice import DAY, YEAR, Dice

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
    def card(self) -> list[dict[str, str]]:
        """What the member's card proves: the member id."""
        return self._member_id("verified")

    @property
    def verified_phone(self) -> list[dict[str, str]]:
        """What a one-time password on the phone states."""
        return [{"type": "phone", "value": self.phone, "assurance": "verified"}]

    @property
    def typed(self) -> list[dict[str, str]]:
        """What the person types into forms: phone and e-mail."""
        return self._reached_by("claimed")

    @property
    def recorded(self) -> list[dict[str, str]]:
        """What the CRM has on record: phone and e-mail."""
        return self._reached_by("stated")

    @property
    def member_login(self) -> list[dict[str, str]]:
        """What the site's pages send of a login: the member id, which anybody could send."""
        return self._member_id("claimed")

    @property
    def login(self) -> list[dict[str, str]]:
        """What the site's pages send of a login with a form."""
        return self.member_login + self.typed

    def _member_id(self, assurance: str) -> list[dict[str, str]]:
        return [{"type": "member_id", "value": self.member_id, "assurance": assurance}] if self.member_id else []

    def _reached_by(self, assurance: str) -> list[dict[str, str]]:
        values = {"phone": self.phone, "email": self.email}
        return [{"type": name, "value": value, "assurance": assurance} for name, value in values.items()]


def population(dice: Dice, size: int, until_ms: int) -> list[Person]:
    """Make ``size`` people, in the order in which they joined."""
    start = until_ms - YEAR
    people: list[Person] = []
    for number, joined_at in enumerate(sorted(_joined_at(dice, start) for _ in range(size))):
        # About one in a hundred gives a family member's phone.
        family = people[-1].phone if people and dice.chance(1) else None
        people.append(_person(dice, number, joined_at, until_ms, family or f"+8869000{(number + 100) % 100_000:05d}"))
    return people


def on_all_channels(dice: Dice, person: Person, channels: tuple[str, ...]) -> Person:
    """Return the person as a member who is on these channels too."""
    missing = [channel for channel in channels if person.on(channel) is None]
    added = (contact_on(dice, channel, person.number, person.phone) for channel in missing)
    return replace(person, member_id=member_id_of(person.number), contacts=(*person.contacts, *added))


def _joined_at(dice: Dice, start: int) -> int:
    """A third join in the first weeks, the others through the year."""
    days = dice.expovariate(1 / 12) if dice.chance(33) else dice.uniform(0, 362)
    day = start + int(min(days, 362) * DAY)
    return dice.time_between(day, day + DAY)


def _person(dice: Dice, number: int, joined_at: int, until_ms: int, phone: str) -> Person:
    name = dice.choice(_SURNAMES) + dice.choice(_GIVEN_NAMES)
    contacts = tuple(_contacts(dice, number, phone))
    member = any(contact.channel == "crm" for contact in contacts) or dice.chance(40)
    nicknames = (name, dice.choice(_NICKNAMES).format(name[-1]), dice.choice(_ENGLISH))
    return Person(
        number=number,
        name=name,
        nickname=dice.choices(nicknames, (50, 30, 20))[0],
        locale=dice.weighted(_LOCALES),
        joined_at=joined_at,
        left_at=until_ms if dice.chance(30) else min(until_ms, dice.time_after(joined_at, 120 * DAY)),
        weight=min(25.0, dice.paretovariate(1.16)),  # a long tail: a fifth of the people make most of the visits
        member_id=member_id_of(number) if member else None,
        phone=phone,
        email=f"tea{number:05d}@{dice.choice(('mail', 'inbox', 'post'))}.example.com",
        branch=dice.choice(brand.BRANCHES),
        contacts=contacts,
    )


def _contacts(dice: Dice, number: int, phone: str) -> Iterator[Contact]:
    channels = [channel for channel, share in SHARES.items() if dice.chance(share)] or ["line"]
    if "web" in channels and dice.chance(30):  # the phone's browser beside the one inside LINE
        channels.append("web")
    for channel in channels:
        yield contact_on(dice, channel, number, phone)


def member_id_of(number: int) -> str:
    """The number on the member's card."""
    return f"{brand.CARD}{number + 1:06d}"


def contact_on(rng: Random, channel: str, number: int, phone: str) -> Contact:
    """Make a contact with a uid of the kind that the channel gives."""
    match channel:
        case "line":
            uid = f"U{rng.getrandbits(128):032x}"
        case "web":
            uid = f"c-{rng.getrandbits(96):024x}"
        case "whatsapp":
            uid = phone.removeprefix("+")
        case "crm":
            uid = member_id_of(number)
        case _:
            uid = str(rng.randint(10**15, 10**16 - 1))
    return Contact(channel, brand.ACCOUNTS[channel], uid)
