"""The filter of a search: a tree of conditions, as JSON (pure).

    {"all": [{"tag": "vip"},
             {"not": {"attribute": "size", "in": ["S", "M"]}},
             {"same_contact": {"all": [{"channel": "line"}, {"subscribed": true},
                                       {"last_customer": {"before": "-30d"}}]}}]}

Every object has the key of exactly one condition. ``not`` is the plain complement, so it includes those whose value is
missing. A condition on a contact holds for a customer if it does for any of its contacts; the conditions within
``same_contact`` hold together for one contact.
"""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final, Self
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from projections.customers.search.operators import (
    Listed,
    NumberTest,
    TextTest,
    TimeTest,
    ValueTest,
    Words,
)
from projections.customers.search.times import FilterTime
from schemas.events.base import Frozen
from schemas.events.profile import AttributeKey
from schemas.events.subscription import MarketingKind

MOST_DEEP: Final = 8
MOST_LEAVES: Final = 100
MOST_IDS: Final = 1_000  # of customers, in one condition


class Condition(Frozen):
    """A node of the tree. Its first field is the key by which it is recognised."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_alias=True)
    of_contact: ClassVar[bool] = False  # whether it is about one contact

    @property
    def parts(self) -> "list[FilterNode]":
        """The conditions that this one is made of."""
        return []


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _id_listed(value: object) -> object:
    return [value] if isinstance(value, str | UUID) else value


def _as_text(operator: str) -> BeforeValidator:
    def read(value: object) -> object:
        short = {bool: "set", list: "in", str: operator}.get(type(value))
        return {short: value} if short else value

    return BeforeValidator(read, json_schema_input_type=Words | bool | Listed | TextTest)


def _number(value: object) -> object:
    return {"eq": value} if type(value) is int else value


def _time(value: object) -> object:
    return {"set": value} if isinstance(value, bool) else value


TextOrTest = Annotated[TextTest, _as_text("eq")]
NameOrTest = Annotated[TextTest, _as_text("contains")]
NumberOrTest = Annotated[NumberTest, BeforeValidator(_number, json_schema_input_type=int | NumberTest)]
TimeOrTest = Annotated[TimeTest, BeforeValidator(_time, json_schema_input_type=bool | TimeTest)]
OneOf = Annotated[Listed, BeforeValidator(_listed, json_schema_input_type=Words | Listed)]
AnyOrOneOf = Annotated[bool | Listed, BeforeValidator(_listed, json_schema_input_type=bool | Words | Listed)]


class All(Condition):
    """Every one of these holds."""

    all: Annotated["list[FilterNode]", Field(min_length=1, max_length=MOST_LEAVES)]

    @property
    def parts(self) -> "list[FilterNode]":
        """The conditions that this one is made of."""
        return self.all


class AnyOf(Condition):
    """At least one of these holds."""

    any: Annotated["list[FilterNode]", Field(min_length=1, max_length=MOST_LEAVES)]

    @property
    def parts(self) -> "list[FilterNode]":
        """The conditions that this one is made of."""
        return self.any


class Not(Condition):
    """This does not hold."""

    not_: Annotated["FilterNode", Field(alias="not")]

    @property
    def parts(self) -> "list[FilterNode]":
        """The conditions that this one is made of."""
        return [self.not_]


class SameContact(Condition):
    """There is one contact for which all this holds."""

    same_contact: "FilterNode"

    @property
    def parts(self) -> "list[FilterNode]":
        """The conditions that this one is made of."""
        return [self.same_contact]

    @model_validator(mode="after")
    def about_a_contact(self) -> Self:
        """A tag or a name is the customer's: it can't hold for one contact."""
        for node in walk(self.same_contact):
            if not (node.of_contact or isinstance(node, All | AnyOf | Not | _OfTimes)):
                raise ValueError(
                    f"`{key_of(node)}` is about the customer, not one contact: it can't be in same_contact"
                )
        return self


class ByTag(Condition):
    """The customer has the tag now; ``count`` is of its taggings, ``since`` of the latest."""

    tag: Words
    count: NumberOrTest | None = None
    since: FilterTime | None = None


class ByMemberId(Condition):
    """The customer's member id."""

    member_id: TextOrTest


class ByPhone(Condition):
    """The customer's best phone number."""

    phone: TextOrTest


class ByEmail(Condition):
    """The customer's best e-mail address."""

    email: TextOrTest


class ByName(Condition):
    """Any of the customer's names; case, width and extra spaces do not matter. A bare text is a part of the name."""

    name: NameOrTest


class ByAttribute(Condition, ValueTest):
    """The customer's latest value of a custom attribute."""

    attribute: AttributeKey


class _OfTimes(Condition):
    """A time that the customer has, and each contact has: the latest of all, or within ``same_contact`` its own."""


class ByLastCustomer(_OfTimes):
    """The last interaction of the customer."""

    last_customer: TimeOrTest


class ByLastTeam(_OfTimes):
    """The last message that the team wrote by hand."""

    last_team: TimeOrTest


class ByLastMarketing(_OfTimes):
    """The last marketing message."""

    last_marketing: TimeOrTest


class ByFirstSeen(_OfTimes):
    """The first event; of the customer, the earliest."""

    first_seen: TimeOrTest


class ByContactCount(Condition):
    """How many contacts the customer has."""

    contacts: NumberOrTest


class ById(Condition):
    """The customer is one of these, by their present ids."""

    id: Annotated[
        list[Annotated[UUID, Field(strict=False)]],
        Field(min_length=1, max_length=MOST_IDS),
        BeforeValidator(_id_listed, json_schema_input_type=UUID | list[UUID]),
    ]


class ByConflicts(Condition):
    """Whether identity refused a link of one of the customer's contacts."""

    conflicts: bool


class BySegment(Condition):
    """What the segment of this id asks for, at this moment."""

    segment: Words


class OpenedSegment(BySegment):
    """A segment with what it asks for, which is its only part."""

    asks: Annotated["FilterNode", Field(exclude=True)]

    @property
    def parts(self) -> "list[FilterNode]":
        """The conditions that this one is made of."""
        return [self.asks]


class ByChannel(Condition):
    """The contact's channel."""

    of_contact = True
    channel: OneOf


class ByAccount(Condition):
    """The contact's account, as ``channel:account``."""

    of_contact = True
    account: OneOf


class BySubscription(Condition):
    """The contact is subscribed; with false, it has blocked or unsubscribed. One that never did either is neither."""

    of_contact = True
    subscribed: bool


class ByValidity(Condition):
    """The contact is a valid one, or it is not."""

    of_contact = True
    valid: bool


class BySubscribedAt(Condition):
    """Since when the contact is subscribed; missing if it is not."""

    of_contact = True
    subscribed_at: TimeOrTest


class ByBinding(Condition):
    """Whether the contact is bound to the website, or in which ways."""

    of_contact = True
    bound: AnyOrOneOf


class ByNotifications(Condition):
    """Whether the contact takes recurring notifications, or on which topics."""

    of_contact = True
    notifications: AnyOrOneOf


class ByStaff(Condition):
    """Whether a member of staff looks after the contact, or which."""

    of_contact = True
    staff: AnyOrOneOf


class ByBranch(Condition):
    """Whether a branch looks after the contact, or which."""

    of_contact = True
    branch: AnyOrOneOf


class ByQuota(Condition):
    """The contact is valid and beyond the quota; with false, valid and within it."""

    of_contact = True
    over_quota: bool


class ByOptOut(Condition):
    """Whether the contact opted out of any kind of marketing, or of which."""

    of_contact = True
    opted_out: Annotated[
        bool | Annotated[list[MarketingKind], Field(min_length=1)],
        BeforeValidator(_listed, json_schema_input_type=bool | MarketingKind | list[MarketingKind]),
    ]


_KEY_OF: Final[dict[type[Condition], str]] = {
    All: "all",
    AnyOf: "any",
    Not: "not",
    SameContact: "same_contact",
    ByTag: "tag",
    ByMemberId: "member_id",
    ByPhone: "phone",
    ByEmail: "email",
    ByName: "name",
    ByAttribute: "attribute",
    ByLastCustomer: "last_customer",
    ByLastTeam: "last_team",
    ByLastMarketing: "last_marketing",
    ByFirstSeen: "first_seen",
    ByContactCount: "contacts",
    ById: "id",
    ByConflicts: "conflicts",
    BySegment: "segment",
    OpenedSegment: "segment",
    ByChannel: "channel",
    ByAccount: "account",
    BySubscription: "subscribed",
    ByValidity: "valid",
    BySubscribedAt: "subscribed_at",
    ByBinding: "bound",
    ByNotifications: "notifications",
    ByStaff: "staff",
    ByBranch: "branch",
    ByQuota: "over_quota",
    ByOptOut: "opted_out",
}
KEYS: Final = tuple(dict.fromkeys(_KEY_OF.values()))


def key_of(node: Condition) -> str:
    """The key of a condition, such as ``tag``."""
    return _KEY_OF[type(node)]


def _tag_in(value: object) -> str | None:
    """The key of a condition in brackets: nobody can take it for a part of what was written, where it is refused."""
    if isinstance(value, Condition):
        return f"<{key_of(value)}>"
    found = [key for key in KEYS if key in value] if isinstance(value, dict) else []
    return f"<{found[0]}>" if len(found) == 1 else None


FilterNode = Annotated[
    Annotated[All, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[SameContact, Tag("<same_contact>")]
    | Annotated[ByTag, Tag("<tag>")]
    | Annotated[ByMemberId, Tag("<member_id>")]
    | Annotated[ByPhone, Tag("<phone>")]
    | Annotated[ByEmail, Tag("<email>")]
    | Annotated[ByName, Tag("<name>")]
    | Annotated[ByAttribute, Tag("<attribute>")]
    | Annotated[ByLastCustomer, Tag("<last_customer>")]
    | Annotated[ByLastTeam, Tag("<last_team>")]
    | Annotated[ByLastMarketing, Tag("<last_marketing>")]
    | Annotated[ByFirstSeen, Tag("<first_seen>")]
    | Annotated[ByContactCount, Tag("<contacts>")]
    | Annotated[ById, Tag("<id>")]
    | Annotated[ByConflicts, Tag("<conflicts>")]
    | Annotated[BySegment, Tag("<segment>")]
    | Annotated[ByChannel, Tag("<channel>")]
    | Annotated[ByAccount, Tag("<account>")]
    | Annotated[BySubscription, Tag("<subscribed>")]
    | Annotated[ByValidity, Tag("<valid>")]
    | Annotated[BySubscribedAt, Tag("<subscribed_at>")]
    | Annotated[ByBinding, Tag("<bound>")]
    | Annotated[ByNotifications, Tag("<notifications>")]
    | Annotated[ByStaff, Tag("<staff>")]
    | Annotated[ByBranch, Tag("<branch>")]
    | Annotated[ByQuota, Tag("<over_quota>")]
    | Annotated[ByOptOut, Tag("<opted_out>")],
    Discriminator(
        _tag_in,
        custom_error_type="no_condition",
        custom_error_message="a condition is an object with exactly one of the keys " + ", ".join(KEYS),
    ),
]


def _limited(value: object) -> object:
    """The value, if it is within the limits; looked at before anything is made of it."""
    leaves, waiting = 0, [(value, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MOST_DEEP:
            raise PydanticCustomError("filter_too_deep", "a filter is at most {most} levels deep", {"most": MOST_DEEP})
        parts = _parts_in(node)
        leaves += not parts
        if leaves > MOST_LEAVES:
            raise PydanticCustomError(
                "filter_too_large", "a filter has at most {most} conditions", {"most": MOST_LEAVES}
            )
        waiting += [(part, depth + 1) for part in parts]
    return value


def _parts_in(value: object) -> list[object]:
    if isinstance(value, Condition):
        return list(value.parts)
    if not isinstance(value, dict):
        return []
    listed = [part for key in ("all", "any") if isinstance(value.get(key), list) for part in value[key]]
    return [*listed, *(value[key] for key in ("not", "same_contact") if key in value)]


Filter = Annotated[FilterNode, BeforeValidator(_limited)]
_FILTERS: Final[TypeAdapter[FilterNode]] = TypeAdapter(Filter)


def parse(value: object) -> FilterNode:
    """The filter in a JSON value. Raises pydantic's ValidationError, which names the limit where one is passed."""
    return _FILTERS.validate_python(value)


def to_json(node: FilterNode) -> Any:
    """The filter as a JSON value, without what is left out."""
    return _FILTERS.dump_python(node, mode="json", exclude_none=True)


def walk(node: FilterNode) -> Iterator[FilterNode]:
    """The node and all that it is made of."""
    yield node
    for part in node.parts:
        yield from walk(part)


def depth_of(node: FilterNode) -> int:
    """How many levels the filter has; a condition without parts has one."""
    return 1 + max(map(depth_of, node.parts), default=0)


for _one in _KEY_OF:
    _one.model_rebuild()
