"""Members with a name, a phone, a tag and a level: as rows of a file, and as requests that state the same."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import orjson

from benchmarks.ingest.caller import request

EVENTS_OF_ROW: Final = 4
_OCCURRED_AT: Final = 1_780_000_000_000
_HEADER: Final = ("Member ID", "Name", "Phone", "Tags", "Level")
MAPPING: Final = {"Level": "attribute:level"}
PATH: Final = "/v1/imports?" + urlencode({"kind": "customers", "mapping": orjson.dumps(MAPPING).decode()})


class MemberFacts(NamedTuple):
    """What is stated of a member."""

    member_id: str
    name: str
    phone: str
    tag: str
    level: str


def members(first: int, number: int) -> Iterator[MemberFacts]:
    """Yield so many members, numbered from ``first``."""
    for one in range(first, first + number):
        yield MemberFacts(f"M{one:08}", f"林小{one}", f"8869{one:08}", f"tag{one % 50}", f"level {one % 5}")


def file_of(found: Iterator[MemberFacts]) -> bytes:
    """The members as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_HEADER)
    writer.writerows(found)
    return text.getvalue().encode()


def batches(found: Iterator[MemberFacts], size: int, key: str) -> Iterator[bytes]:
    """Yield requests of ``size`` events each for ``POST /v1/events``."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    waiting: list[dict[str, Any]] = []
    for member in found:
        waiting += _events(member)
        while len(waiting) >= size:
            yield request("POST", "/v1/events", headers, orjson.dumps(waiting[:size]))
            del waiting[:size]
    if waiting:
        yield request("POST", "/v1/events", headers, orjson.dumps(waiting))


def _events(member: MemberFacts) -> Iterator[dict[str, Any]]:
    identifiers = [
        {"type": "member_id", "value": member.member_id},
        {"type": "phone", "value": f"+{member.phone}", "assurance": "stated"},
    ]
    stated = (
        ("profile.updated", {"display_name": member.name}),
        ("identity.bound", {"identifiers": identifiers, "via": "import"}),
        ("tag.added", {"tag": member.tag, "source": "import"}),
        ("attribute.set", {"key": "level", "value": member.level}),
    )
    for number, (name, data) in enumerate(stated):
        yield {
            "event_id": f"bench:{member.member_id}:{number}",
            "type": name,
            "contact": {"channel": "crm", "account": "crm", "uid": member.member_id},
            "occurred_at": _OCCURRED_AT,
            "data": data,
        }
