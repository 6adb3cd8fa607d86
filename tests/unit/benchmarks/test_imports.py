"""The compared loads of the benchmark of imports state the same of each member."""

import io
from typing import Any

import orjson

from benchmarks.imports.members import EVENTS_OF_ROW, MAPPING, batches, file_of, members
from projections.identity.resolution.policy import Policy
from projections.imports.columns import columns_of
from projections.imports.order import ImportOrder
from projections.imports.plan import ImportTarget, Planner
from projections.imports.rows import read_table
from projections.imports.statements import RowReader
from schemas.codec import encode

MEMBERS = 30


def planned() -> list[dict[str, Any]]:
    order, policy = ImportOrder.model_validate({"kind": "customers", "mapping": MAPPING}), Policy(default_region="TW")
    table = read_table(io.BytesIO(file_of(members(7, MEMBERS))), None, None)
    reader = RowReader(order, columns_of(table.header, order).fields, {}, policy)
    planner = Planner("demo", order, policy, 1_780_000_000_000)
    plans = [planner.plan(reader.read(row), ImportTarget()) for row in table.rows]
    return [orjson.loads(encode(event)) for one in plans for event in one.events]


def stated_in(events: list[dict[str, Any]]) -> set[bytes]:
    """What is stated of whom; the member id, which an import takes from the contact, is left out."""
    found = set()
    for event in events:
        data = event["data"]
        if event["type"] == "identity.bound":
            data = [(one["type"], one["value"]) for one in data["identifiers"] if one["type"] != "member_id"]
        elif event["type"] == "attribute.set":
            data = [data["key"], data["value"]]
        found.add(orjson.dumps([event["contact"]["uid"], event["type"], data], option=orjson.OPT_SORT_KEYS))
    return found


def test_a_file_and_batches_state_the_same_of_each_member() -> None:
    requests = [one.partition(b"\r\n\r\n")[2] for one in batches(members(7, MEMBERS), 100, "key")]
    posted = [event for body in requests for event in orjson.loads(body)]
    assert [len(orjson.loads(body)) for body in requests] == [100, 20]
    assert len({one["event_id"] for one in posted}) == MEMBERS * EVENTS_OF_ROW
    assert stated_in(posted) == stated_in(planned())
    assert len(planned()) == len(posted)
