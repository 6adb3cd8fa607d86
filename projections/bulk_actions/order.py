"""What a bulk action is asked to do: to whom, to which of their contacts, and what."""

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, TypeAdapter, model_validator

from projections.customers.search.filters import All, Condition, Filter, FilterNode, SameContact
from schemas.events.base import ChannelName, Frozen, Word
from schemas.events.profile import AttributeKey, AttributeText, AttributeType
from schemas.events.subscription import MarketingKind

_EVERY_KIND: Final[tuple[MarketingKind, ...]] = get_args(MarketingKind)
ContactChoice = Literal["all", "latest", "matching"]
_Kinds = Annotated[
    list[MarketingKind],
    Field(default_factory=lambda: list(_EVERY_KIND), min_length=1, max_length=10, description="left out: all"),
]
_WITH_STAFF: Final[frozenset[ChannelName]] = frozenset({"line", "whatsapp"})


class TagContacts(Frozen):
    """Tags who does not have the tag."""

    do: Literal["tag"]
    tag: Word
    expires_after: Annotated[int | None, Field(ge=1, le=365, description="whole days; left out: never")] = None


class UntagContacts(Frozen):
    """Removes a tag with its count."""

    do: Literal["untag"]
    tag: Word


class SetAttributeOfContacts(Frozen):
    """Sets a custom attribute, by the type that it is defined with."""

    do: Literal["set"]
    key: AttributeKey
    value: bool | int | float | AttributeText
    type: Annotated[AttributeType | None, Field(description="may be left out where the value shows it")] = None


class UnsubscribeContacts(Frozen):
    """Opts out of kinds of marketing. Welcome messages and answers of bots are no marketing, and go on."""

    do: Literal["unsubscribe"]
    kinds: _Kinds


class ResubscribeContacts(Frozen):
    """Opts in to kinds of marketing that were refused."""

    do: Literal["resubscribe"]
    kinds: _Kinds


class BindContacts(Frozen):
    """Puts a member of staff and a branch in charge of contacts on LINE and WhatsApp."""

    do: Literal["bind"]
    member: Word
    branch: Word


Action = Annotated[
    TagContacts | UntagContacts | SetAttributeOfContacts | UnsubscribeContacts | ResubscribeContacts | BindContacts,
    Field(discriminator="do"),
]


class BulkOrder(Frozen):
    """A bulk action. Each customer that the filter finds is affected once."""

    filter: Filter
    action: Action
    contacts: Annotated[
        ContactChoice | None,
        Field(
            description="`all` contacts of each customer; its `latest`, with which it was in touch last; or those "
            "`matching` what the filter requires of one contact by `same_contact`, in it or in its outermost `all`. "
            "Left out: `latest` to tag, else `all`"
        ),
    ] = None
    channels: Annotated[
        list[ChannelName] | None, Field(min_length=1, max_length=6, description="only contacts on these channels")
    ] = None

    @model_validator(mode="after")
    def _contacts_can_be_meant(self) -> Self:
        if self.chosen == "matching" and not same_contact_parts(self.filter):
            raise ValueError("contacts: `matching` needs a filter with `same_contact`, in it or in its outermost `all`")
        if isinstance(self.action, BindContacts) and self.meant_channels == []:
            raise ValueError("channels: staff looks after contacts on line and whatsapp only")
        return self

    @property
    def chosen(self) -> ContactChoice:
        """Which contacts of a customer are meant."""
        return self.contacts or ("latest" if isinstance(self.action, TagContacts) else "all")

    @property
    def meant_channels(self) -> list[ChannelName] | None:
        """The channels whose contacts can be meant, sorted; None for all."""
        if not isinstance(self.action, BindContacts):
            return None if self.channels is None else sorted(set(self.channels))
        return sorted(_WITH_STAFF.intersection(self.channels or _WITH_STAFF))


ACTIONS: Final[TypeAdapter[Action]] = TypeAdapter(Action)


def same_contact_parts(node: FilterNode) -> list[FilterNode]:
    """What a filter requires of one contact, in it or in its outermost ``all``."""
    parts: list[Condition] = list(node.all) if isinstance(node, All) else [node]
    return [one.same_contact for one in parts if isinstance(one, SameContact)]
