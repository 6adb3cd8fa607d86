"""What an editor of filters has to know of each condition: what it takes, and what people call it (pure)."""

from typing import Final, Literal, NamedTuple, get_args

from projections.bindings.tables import SITE_WAYS
from projections.customers import terms
from projections.customers.search.operators import NumberTest, Operators, TextTest, TimeTest, ValueTest
from schemas.events.subscription import MarketingKind

FieldKind = Literal["text", "number", "time", "value", "tag", "flag", "choice", "segment"]
ValueForm = Literal["text", "number", "list", "flag", "operators"]
About = Literal["customer", "contact", "both"]


class FilterField(NamedTuple):
    """A condition by its key.

    ``forms`` are the kinds of JSON that its value may be; ``flag`` is true or false, ``operators`` an object. The
    operators of a ``tag`` and of a ``value`` stand beside the key. ``term`` is the kind of term that knows its values.
    """

    key: str
    kind: FieldKind
    about: About
    zh_hant: str
    en: str
    forms: tuple[ValueForm, ...]
    operators: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    term: str | None = None


def _operators(test: type[Operators]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in test.model_fields.items())


_TEXT: Final = _operators(TextTest)
_TIME: Final = _operators(TimeTest)
_TEXT_FORMS: Final[tuple[ValueForm, ...]] = ("text", "list", "flag", "operators")
_TIME_FORMS: Final[tuple[ValueForm, ...]] = ("flag", "operators")
_ANY_OR_ONE: Final[tuple[ValueForm, ...]] = ("flag", "text", "list")


def _text(key: str, zh_hant: str, en: str) -> FilterField:
    return FilterField(key, "text", "customer", zh_hant, en, _TEXT_FORMS, _TEXT)


def _time(key: str, zh_hant: str, en: str, about: About = "both") -> FilterField:
    return FilterField(key, "time", about, zh_hant, en, _TIME_FORMS, _TIME)


def _flag(key: str, zh_hant: str, en: str, about: About = "contact") -> FilterField:
    return FilterField(key, "flag", about, zh_hant, en, ("flag",))


def _choice(key: str, zh_hant: str, en: str, term: str, choices: tuple[str, ...] = ()) -> FilterField:
    return FilterField(key, "choice", "contact", zh_hant, en, _ANY_OR_ONE, (), choices, term)


FIELDS: Final = (
    FilterField("tag", "tag", "customer", "標籤", "Tag", ("text",), ("count", "since"), term=terms.TAG),
    _text("member_id", "會員編號", "Member id"),
    _text("phone", "電話", "Phone"),
    _text("email", "電子郵件", "E-mail"),
    _text("name", "名稱", "Name"),
    FilterField(
        "attribute", "value", "customer", "自訂屬性", "Custom attribute", ("text",), _operators(ValueTest), (),
        terms.ATTRIBUTE,
    ),
    _time("last_customer", "客人最後互動時間", "Last interaction of the customer"),
    _time("last_team", "團隊最後互動時間", "Last message of the team"),
    _time("last_marketing", "團隊最後行銷時間", "Last marketing message"),
    _time("first_seen", "首次出現時間", "First seen"),
    FilterField("contacts", "number", "customer", "聯絡人數量", "Number of contacts", ("number", "operators"),
                _operators(NumberTest)),
    FilterField("id", "choice", "customer", "選取的顧客", "Chosen customers", ("text", "list")),
    _flag("conflicts", "身分衝突", "Has identity conflicts", "customer"),
    FilterField("segment", "segment", "customer", "分眾", "Segment", ("text",)),
    FilterField("channel", "choice", "contact", "渠道", "Channel", ("text", "list"), term=terms.CHANNEL),
    FilterField("account", "choice", "contact", "渠道帳號", "Channel account", ("text", "list"), term=terms.ACCOUNT),
    _flag("subscribed", "訂閱狀態", "Subscribed"),
    _flag("valid", "有效聯絡人", "Valid contact"),
    _time("subscribed_at", "訂閱時間", "Subscribed since", "contact"),
    _choice("bound", "官網綁定", "Bound to the website", terms.BOUND, SITE_WAYS),
    _choice("notifications", "定期通知", "Recurring notifications", terms.NOTIFIED),
    _choice("staff", "綁定成員", "Bound member of staff", terms.STAFF),
    _choice("branch", "綁定分店", "Bound branch", terms.BRANCH),
    _flag("over_quota", "超出名單配額", "Over quota"),
    _choice("opted_out", "拒收類型", "Opted out of", terms.OPTED_OUT, get_args(MarketingKind)),
)  # fmt: skip
FIELD_BY_KEY: Final = {one.key: one for one in FIELDS}
