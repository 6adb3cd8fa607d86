"""What is asked: profiles by every name, ten typical filters, and facets; each with parameters by chance."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import orjson

from benchmarks.ingest.caller import request
from benchmarks.query.population import (
    ACCOUNTS,
    BRANCHES,
    CITIES,
    DAY_MS,
    END_MS,
    GIVEN,
    SURNAMES,
    TAGS,
    email_of,
    member_of,
    phone_of,
)

FilterTree = dict[str, Any]


def _before_end(chance: Random, days: int) -> int:
    return END_MS - int(chance.random() * days * DAY_MS)


def _tag(chance: Random) -> FilterTree:
    return {"tag": TAGS.choose(chance)}


def _tag_without_another(chance: Random) -> FilterTree:
    return {"all": [_tag(chance), {"not": _tag(chance)}]}


def _attributes(chance: Random) -> FilterTree:
    spent = {"attribute": "total_spent", "gte": chance.randrange(1_000, 20_000)}
    return {"all": [{"attribute": "city", "eq": chance.choice(CITIES)}, spent]}


def _silent_to_marketing(chance: Random) -> FilterTree:
    before = {"last_marketing": {"before": _before_end(chance, 60)}}
    active = {"last_customer": {"since": _before_end(chance, 90)}}
    return {"all": [active, {"any": [before, {"last_marketing": False}]}]}


def _line_between(chance: Random) -> FilterTree:
    since = _before_end(chance, 90)
    between = {"last_customer": {"since": since, "before": since + 14 * DAY_MS}}
    return {"same_contact": {"all": [{"channel": "line"}, between]}}


def _subscribed_with_phone(chance: Random) -> FilterTree:
    account = "line:" + ACCOUNTS["line"].choose(chance)
    return {"all": [{"same_contact": {"all": [{"account": account}, {"subscribed": True}]}}, {"phone": True}]}


def _name(chance: Random) -> FilterTree:
    two = chance.choice(SURNAMES) + chance.choice(GIVEN)
    return {"name": chance.choice([two, chance.choice(GIVEN)])}


def _over_quota(_: Random) -> FilterTree:
    return {"over_quota": True}


def _branch_and_tags(chance: Random) -> FilterTree:
    return {"all": [{"branch": BRANCHES.choose(chance)}, {"any": [_tag(chance) for _ in range(3)]}]}


def _not_a_tag(chance: Random) -> FilterTree:
    return {"not": _tag(chance)}


FILTERS: Final[Mapping[str, Callable[[Random], FilterTree]]] = {
    "tag": _tag,
    "tag_without_another": _tag_without_another,
    "attributes": _attributes,
    "silent_to_marketing": _silent_to_marketing,
    "line_between": _line_between,
    "subscribed_with_phone": _subscribed_with_phone,
    "name": _name,
    "over_quota": _over_quota,
    "branch_and_tags": _branch_and_tags,
    "not_a_tag": _not_a_tag,
}
_OF_FACETS: Final = ("tag", "attributes", "branch_and_tags")


def search(chance: Random, kind: str) -> bytes:
    """The body of a search for the first page, by the latest interaction."""
    return orjson.dumps({"filter": FILTERS[kind](chance)})


def facets(chance: Random) -> bytes:
    """The body of a question how the customers of a filter spread."""
    wanted = FILTERS[chance.choice(_OF_FACETS)](chance)
    return orjson.dumps({"filter": wanted, "facets": ["tag", "channel", "branch"], "attributes": ["city"]})


def named(chance: Random, kind: str, customers: int) -> str:
    """The name of a customer that may be there, of a kind of identifier."""
    number = chance.randrange(customers)
    return f"{kind}:" + {"phone": phone_of, "email": email_of, "member": member_of}[kind](number)


def posted(path: str, body: bytes, key: str) -> bytes:
    """A request with a JSON body."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return request("POST", path, headers, body)


def asked(path: str, key: str) -> bytes:
    """A request without a body."""
    return request("GET", path, {"authorization": f"Bearer {key}"})
