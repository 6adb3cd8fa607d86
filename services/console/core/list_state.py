"""Which customers a list shows, in which order: what is in its address, so that it can be shared (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, get_args
from urllib.parse import urlencode

import orjson

from projections.customers.search.queries import SortField
from services.console.core.filter_tree import EVERYBODY, ConditionTree, rooted
from services.query.core.search_models import SearchRequest, SortOrder

PATH: Final = "/console/customers"
PAGE_SIZE: Final = 50
SORTS: Final[tuple[SortField, ...]] = get_args(SortField)
_USUAL: Final = {True: "ascending", False: "descending"}  # the order of names, and of times
_LONGEST_FILTER: Final = 20_000
_LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class ListState:
    """The filter that was built, the free text, the channel, and the order. ``tree`` is None for everybody."""

    tree: ConditionTree | None = None
    text: str = ""
    channel: str = ""
    by: SortField = "last_customer"
    descending: bool = True

    @classmethod
    def read(cls, fields: Any) -> "ListState":
        """What an address has; raises ValueError for a filter that is no JSON object."""
        by, text = fields.one("sort"), fields.one("f")
        if len(text) > _LONGEST_FILTER:
            raise ValueError("the filter is too long")
        tree = orjson.loads(text) if text else None
        if tree is not None and not isinstance(tree, dict):
            raise ValueError("the filter is no object")
        return cls(
            rooted(tree),
            fields.one("q").strip()[:_LONGEST_TEXT],
            fields.one("channel")[:_LONGEST_TEXT],
            by if by in SORTS else "last_customer",
            (fields.one("order") or _USUAL[by == "name"]) != "ascending",
        )

    def parameters(self) -> dict[str, str]:
        """The address's fields, without those that say nothing."""
        order = "descending" if self.descending else "ascending"
        given = {
            "f": "" if self.tree is None else orjson.dumps(self.tree).decode(),
            "q": self.text,
            "channel": self.channel,
            "sort": "" if self.by == "last_customer" else self.by,
            "order": "" if order == _USUAL[self.by == "name"] else order,
        }
        return {name: value for name, value in given.items() if value}

    def url(self, path: str = PATH, **others: str) -> str:
        """The address of this list, with other fields besides."""
        query = urlencode(self.parameters() | {name: one for name, one in others.items() if one})
        return f"{path}?{query}" if query else path

    def having(self, **changes: Any) -> "ListState":
        """The list with something else in it."""
        return replace(self, **changes)

    def filter(self) -> ConditionTree:
        """Everything that the list asks for, as the JSON of one filter."""
        wanted = [] if self.tree is None else [self.tree]
        if self.channel:
            wanted.append({"channel": self.channel})
        if self.text:
            exact = [{"member_id": self.text}, {"phone": self.text}, {"email": self.text}]
            wanted.append({"any": [{"name": self.text}, *exact]})
        return wanted[0] if len(wanted) == 1 else {"all": wanted} if wanted else EVERYBODY

    def only(self, ids: Sequence[str]) -> "ListState":
        """The list of these customers alone, in the same order."""
        return ListState(rooted({"id": list(ids)}), by=self.by, descending=self.descending)

    def request(self, cursor: str = "") -> SearchRequest:
        """A page of the list. Raises pydantic's ValidationError for a filter that there is not."""
        order = SortOrder(by=self.by, direction="descending" if self.descending else "ascending")
        return SearchRequest.model_validate(
            {"filter": self.filter(), "sort": order, "limit": PAGE_SIZE, "cursor": cursor or None}
        )
