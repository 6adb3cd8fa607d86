"""The dictionary of fields over HTTP, and the values that customers have."""

from typing import Any

import orjson
import pytest

from projections.customers.search.known_values import TERMS, VALUES
from projections.customers.store import compose_again
from services.query.core.field_models import FieldList, FieldValues
from tests.support.contact_records import event
from tests.support.read_api import Brand
from tests.support.searches import compose_all


@pytest.fixture
async def values(brand: Brand) -> Brand:
    tagged = [
        event("tag.added", number, contact=f"line:oa1:U{number % 3}", tag=tag)
        for number, tag in enumerate(["新客", "新品", "vip", "vip", "very", "t" * 210])
    ]
    sizes = [
        event("attribute.set", 10 + number, contact=f"line:oa1:U{number}", key="size", value=value)
        for number, value in enumerate(["S", "SM", 7])
    ]
    await brand.fold(*tagged, *sizes)
    await compose_all(brand.connection)
    return brand


async def all_pages(brand: Brand, path: str, **params: Any) -> list[Any]:
    page = await brand.json(path, **params)
    assert FieldValues.model_validate(page).model_dump(mode="json") == page
    found = list(page["values"])
    while page["next"]:
        page = await brand.json(path, **params, cursor=page["next"])
        found += page["values"]
    return [(one["value"], one["customers"]) for one in found]


async def test_the_fields_are_listed_with_their_names(brand: Brand) -> None:
    found = await brand.json("/v1/fields")
    assert FieldList.model_validate(found).model_dump(mode="json", by_alias=True) == found
    tag = next(one for one in found["fields"] if one["key"] == "tag")
    assert (tag["labels"], tag["operators"]) == ({"zh-Hant": "標籤", "en": "Tag"}, ["count", "since"])


async def test_the_values_of_a_field_are_listed_by_their_beginning(values: Brand) -> None:
    path = "/v1/fields/tag/values"
    assert await all_pages(values, path, limit=1) == [
        ("t" * 200, 1), ("very", 1), ("vip", 2), ("新品", 1), ("新客", 1),
    ]  # fmt: skip
    assert await all_pages(values, path, prefix="v") == [("very", 1), ("vip", 2)]
    assert await all_pages(values, path, prefix="新客") == [("新客", 1)]
    assert (await values.json(path, prefix="t"))["values"][0]["cut"] is True
    assert await all_pages(values, path, prefix="vip", key="other") == []
    assert await all_pages(values, "/v1/fields/account/values", prefix="line:") == [("line:oa1", 3)]
    assert await all_pages(values, "/v1/fields/attribute/values") == [("size", 3)]
    for absent in ("phone", "never"):
        assert (await values.get(f"/v1/fields/{absent}/values")).status_code == 404


async def test_values_of_an_attribute_are_counted_exactly(values: Brand) -> None:
    path = "/v1/fields/attribute/values/size"
    assert await all_pages(values, path, limit=1) == [(7, 1), ("S", 1), ("SM", 1)]
    assert await all_pages(values, path, prefix="SM") == [("SM", 1)]
    assert await all_pages(values, path, key="other") == []
    assert (await values.get(path, cursor="never")).status_code == 400
    await values.fold_contacts(event("attribute.set", 30, contact="line:oa1:U0", key="size", value="SM"))
    await compose_again(values.connection)
    await compose_all(values.connection)
    assert await all_pages(values, path) == [(7, 1), ("SM", 2)]
    assert (await values.json(path))["exact"] is True


async def test_a_tag_is_counted_without_the_customers_on_whom_it_ran_out(values: Brand) -> None:
    ends = [
        event("tag.added", 40 + number, contact=f"line:oa1:U{number}", tag="sale", expires_after=1) for number in (0, 1)
    ]
    await values.fold_contacts(*ends, event("tag.added", 42, contact="line:oa1:U2", tag="sale"))
    await compose_again(values.connection)
    await compose_all(values.connection)
    page = await values.json("/v1/fields/tag/values", prefix="sale")
    assert ([(one["value"], one["customers"]) for one in page["values"]], page["exact"]) == ([("sale", 1)], True)
    headers = {"Authorization": f"Bearer {values.keys['demo']}"}
    for asked, total in (({"tag": "sale"}, 1), ({"not": {"tag": "sale"}}, 2)):
        found = await values.client.post("/v1/customers/search", json={"filter": asked, "limit": 1}, headers=headers)
        assert found.json()["total"] == {"count": total, "relation": "exact"}


async def test_values_that_no_customer_has_any_more_are_passed_over(values: Brand) -> None:
    await values.connection.execute(
        "INSERT INTO customer_terms SELECT 'demo', -n, 'branch', to_char(n, 'FM0000'), (n = 500)::int"
        " FROM generate_series(1, 900) n"
    )
    assert await all_pages(values, "/v1/fields/branch/values", limit=5) == [("0500", 1)]


async def test_values_are_read_in_the_order_of_an_index(values: Brand) -> None:
    db = values.connection
    await db.execute(
        "INSERT INTO customer_terms SELECT 'demo', -n, 'branch', n::text, 1 FROM generate_series(1, 20000) n"
    )
    await db.execute(
        "INSERT INTO attribute_values SELECT 'demo', 'size', n::text, 'string', 1 FROM generate_series(1, 20000) n"
    )
    await db.execute(
        "ANALYZE customer_terms, attribute_values; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off"
    )
    for statement, parameters, index in (
        (TERMS, ("demo", "branch", "1", "", "1~", 50), "customer_terms_of_kind"),
        (VALUES, ("demo", "size", "1", "", "", "1~", 50), "attribute_values_pk"),
    ):
        plan = orjson.loads(await db.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *parameters))
        (limit,) = [node for node in nodes(plan[0]["Plan"]) if node["Node Type"] == "Limit"]
        (scan,) = limit["Plans"] if limit["Plans"][0]["Node Type"] != "Subquery Scan" else limit["Plans"][0]["Plans"]
        assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index), plan


def nodes(plan: Any) -> list[Any]:
    return [plan, *(inner for part in plan.get("Plans", ()) for inner in nodes(part))]
