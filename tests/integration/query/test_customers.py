"""A customer by its ids, and what its contacts add up to."""

import pytest

from projections.customers import queries
from projections.timeline import queries as timeline
from services.query.core.models import CustomerView
from tests.support.contact_records import event
from tests.support.plans import PLAN_CACHE_MODES, plan_nodes
from tests.support.read_api import Brand, id_of, keys_of
from tests.support.strategies import BASE_MS

WEB, LINE = "web:shop:c1", "line:oa1:U1"
LIVES = (
    event("contact.followed", 1, contact=LINE),
    event("tag.added", 2, contact=LINE, tag="VIP", source="manual"),
    event("attribute.set", 3, contact=LINE, key="city", value="台北"),
    event("web.tracked", 4, contact=WEB, event="view"),
    event("tag.added", 5, contact=WEB, tag="VIP", source="journey"),
    event("attribute.set", 6, contact=WEB, key="city", value="高雄"),
    event("message.received", 7, contact=WEB, text="hi"),
)


@pytest.mark.parametrize("name", ["contact:line:oa1:U1", str(id_of(LINE)), str(id_of(LINE)).upper()])
async def test_a_customer_answers_to_each_name(brand: Brand, name: str) -> None:
    await brand.fold_contacts(*LIVES)
    customer = await brand.json(f"/v1/customers/{name}")
    contact = await brand.json("/v1/contacts/line/oa1/U1")
    assert (customer["id"], customer["contacts"]) == (contact["id"], [contact])
    assert customer["tags"] == [contact["tags"][0] | {"origin": [LINE]}]
    assert customer["attributes"] == {"city": contact["attributes"]["city"] | {"origin": LINE}}
    assert customer["last_customer_interaction_at"] == BASE_MS + 1
    assert await brand.json(f"/v1/customers/{name}/contacts") == {"id": contact["id"], "contacts": [contact]}
    assert keys_of([await brand.json(f"/v1/customers/{name}/timeline")]) == [
        "attribute.set@3",
        "tag.added@2",
        "contact.followed@1",
    ]
    assert CustomerView.model_validate(customer).model_dump(mode="json", by_alias=True) == customer


async def test_contacts_that_are_one_customer_are_shown_as_one(brand: Brand) -> None:
    site = {"channel": "web", "account": "shop", "uid": "c1"}
    await brand.fold(*LIVES, event("identity.bound", 8, contact=LINE, linked_contact=site, via="site_button"))
    customer = await brand.json("/v1/customers/contact:line:oa1:U1")
    assert customer["id"] == str(id_of(LINE))  # the binding founded both, and its key is the lesser
    assert {one["customer_id"] for one in customer["contacts"]} == {customer["id"]}
    assert [one["contact"] for one in customer["contacts"]] == [LINE, WEB]
    assert (customer["tags"][0]["count"], customer["tags"][0]["origin"]) == (2, [LINE, WEB])
    assert (customer["attributes"]["city"]["value"], customer["attributes"]["city"]["origin"]) == ("高雄", WEB)
    assert (customer["first_seen_at"], customer["last_customer_interaction_at"]) == (BASE_MS + 1, BASE_MS + 7)
    assert customer["tags"][0]["event_id"] == "tag.added@5"
    assert customer["social_bindings"] == [
        {"via": "site_button", "at": BASE_MS + 8, "event_id": "identity.bound@8", "origin": LINE}
    ]
    around = await brand.json(f"/v1/customers/{customer['id']}/timeline", around="web.tracked@4", limit=3)
    assert keys_of([around]) == ["tag.added@5", "web.tracked@4", "attribute.set@3"]
    timeline = await brand.json("/v1/customers/contact:line:oa1:U1/timeline")
    assert [(one["contact"], one["occurred_at"] - BASE_MS) for one in timeline["events"]] == [
        (LINE, 8),
        (WEB, 7),
        (WEB, 6),
        (WEB, 5),
        (WEB, 4),
        (LINE, 3),
        (LINE, 2),
        (LINE, 1),
    ]


async def test_a_customer_among_many_is_found_by_indexes_alone(brand: Brand) -> None:
    site = {"channel": "web", "account": "shop", "uid": "c1"}
    await brand.fold(*LIVES, event("identity.bound", 8, contact=LINE, linked_contact=site, via="site_button"))
    await brand.connection.execute(
        "CREATE TEMP TABLE more AS SELECT id AS contact_id, id AS customer_id, id AS component_id,"
        " 'web:shop:more' || i AS contact FROM (SELECT i, gen_random_uuid() AS id FROM generate_series(1, 20000) i) one"
    )
    for table in ("members", "contact_states", "holdings"):  # copies of a row, with other ids
        await brand.connection.execute(
            f"INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table}, to_jsonb(one) || to_jsonb(more))).*"
            f" FROM (SELECT * FROM {table} LIMIT 1) one, more; ANALYZE {table}"
        )
    for mode in PLAN_CACHE_MODES:
        await brand.connection.execute(f"SET plan_cache_mode = {mode}")
        arguments = f"'demo', 'default', '{id_of(WEB)}'"
        nodes = await plan_nodes(brand.connection, queries._OF_CUSTOMER, arguments)
        indexes = {node["Index Name"] for node in nodes if "Index Name" in node}
        assert indexes == {"members_pk", "members_of_customer", "contact_states_pk", "holdings_pk"}
        assert all(node["Actual Rows"] < 5 for node in nodes)


async def test_what_a_browser_said_in_its_session_is_read_by_index_alone(brand: Brand) -> None:
    login = {"type": "member_id", "assurance": "stated"}
    await brand.fold(
        *LIVES,
        event("identity.bound", 8, contact=WEB, event_id="a", via="login", identifiers=[{**login, "value": "A"}]),
        event("identity.bound", 9, contact=WEB, event_id="b", via="login", identifiers=[{**login, "value": "B"}]),
    )
    await brand.connection.execute(
        "INSERT INTO timeline SELECT tenant, contact_id, 'more' || i, occurred_at + i, received_at, 'web.tracked',"
        " source, '{}', '[]' FROM timeline, generate_series(1, 20000) i WHERE type = 'web.tracked'; ANALYZE"
    )
    spans = f"ARRAY['{id_of(WEB)}']::uuid[], ARRAY[{BASE_MS + 9}]::bigint[], ARRAY[{2**63 - 1}]::bigint[]"
    for mode in PLAN_CACHE_MODES:
        await brand.connection.execute(f"SET plan_cache_mode = {mode}")
        nodes = await plan_nodes(brand.connection, timeline._PROFILE, f"'demo', {spans}")
        assert {node["Index Name"] for node in nodes if "Index Name" in node} == {"timeline_profile"}
        assert all(node["Actual Rows"] < 5 for node in nodes)
