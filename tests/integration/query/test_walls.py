"""Walls between tenants: another tenant's object is answered as one that nobody has."""

from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import SecretStr

from schemas.codec import from_dict
from services.control.keys import add_key
from services.query.handlers.erasures import erasure_token
from services.query.main import create_app
from services.runtime.broker import ensure_topics
from services.runtime.settings import Settings
from tests.support.contact_records import event
from tests.support.read_api import MASTER, Brand, id_of
from tests.support.searches import compose_all
from tests.support.strategies import BASE_MS

CONTACT, NOBODY = "crm:crm:M7", "crm:crm:M8"
IDENTIFIERS = [
    {"type": kind, "value": value, "assurance": "stated"}
    for kind, value in (("phone", "+886911111111"), ("email", "mei@example.com"), ("member_id", "M7"))
]
LIVES = (
    event("profile.updated", 1, contact=CONTACT, display_name="林小美"),
    event("identity.bound", 2, contact=CONTACT, identifiers=IDENTIFIERS, via="import"),
)
SEGMENT = from_dict(
    {
        "event_id": "s1",
        "tenant": "demo",
        "type": "tenant.segment_saved",
        "occurred_at": BASE_MS,
        "received_at": BASE_MS,
        "source": "test",
        "data": {"segment": "vip", "name": "林小美", "filter": {"tag": "vip"}},
    }
)
POLICY = from_dict(
    {
        "event_id": "p1",
        "tenant": "demo",
        "type": "tenant.policy_set",
        "occurred_at": BASE_MS,
        "received_at": BASE_MS,
        "source": "test",
        "data": {"policy": {"phones": "possible"}},
    }
)
DONE_JOB, WAITING_JOB, NO_JOB, BULK_JOB = (str(UUID(int=number)) for number in (1, 2, 3, 4))
JOBS: Final = f"""
INSERT INTO onefold.jobs (job_id, tenant, kind, parameters, requested_by, state, finished_at,
    file_name, file_type, file_size, file_sha256, file_expires_at)
VALUES ('{DONE_JOB}', 'demo', 'export', '{{}}', 'a test', 'done', now(), 'a.csv', 'text/csv', 3, '', now() + '9 days');
INSERT INTO onefold.jobs (job_id, tenant, kind, parameters, requested_by)
VALUES ('{WAITING_JOB}', 'demo', 'export', '{{}}', 'a test');
INSERT INTO onefold.jobs (job_id, tenant, kind, parameters, requested_by, state, finished_at)
VALUES ('{BULK_JOB}', 'demo', 'bulk_action', '{{}}', 'a test', 'done', now());
INSERT INTO onefold.job_files (job_id, part, size, sha256, content) VALUES ('{DONE_JOB}', 0, 3, '', 'abc');
"""
ENDPOINT, NO_ENDPOINT, OTHER_ENDPOINT = (str(UUID(int=number)) for number in (5, 6, 7))
ENDPOINTS: Final = "".join(
    f"""
INSERT INTO onefold.webhook_endpoints (endpoint_id, tenant, url, form, sealed_secret, topic_id, offsets)
VALUES ('{one}', 'demo', 'https://example.com/', 'standard', '', '{UUID(int=0)}', '{{}}');
"""
    for one in (ENDPOINT, OTHER_ENDPOINT)
)
ERASURE, NO_ERASURE = (str(UUID(int=number)) for number in (8, 9))
ERASURES: Final = f"""
INSERT INTO onefold.erasure_orders (erasure_id, tenant, job_id, contacts, requested_by)
VALUES ('{ERASURE}', 'demo', '{UUID(int=1)}', 1, 'a test');
"""
# By the names of a path's parameters: objects that the tenant `demo` has, and such as nobody has.
CUSTOMERS: Final = (
    (str(id_of(CONTACT)), str(id_of(NOBODY))),
    (f"contact:{CONTACT}", f"contact:{NOBODY}"),
    ("member:M7", "member:M8"),
    ("phone:+886911111111", "phone:+886922222222"),
    ("email:mei@example.com", "email:wang@example.com"),
)
OBJECTS: Final[dict[frozenset[str], tuple[tuple[dict[str, str], dict[str, str]], ...]]] = {
    frozenset({"customer"}): tuple(({"customer": one}, {"customer": other}) for one, other in CUSTOMERS),
    frozenset({"channel", "account", "uid"}): (
        (
            {"channel": "crm", "account": "crm", "uid": "M7"},
            {"channel": "crm", "account": "crm", "uid": "M8"},
        ),
    ),
    frozenset({"channel", "account"}): (({"channel": "crm", "account": "crm"}, {"channel": "crm", "account": "crm2"}),),
    frozenset({"field"}): (({"field": "tag"}, {"field": "branch"}),),
    frozenset({"key"}): (({"key": "size"}, {"key": "size2"}),),
    frozenset({"segment"}): (({"segment": "vip"}, {"segment": "vip2"}),),
    frozenset({"member_id"}): (({"member_id": "M7"}, {"member_id": "M8"}),),
    frozenset({"version"}): (({"version": "p1"}, {"version": "p2"}),),
    frozenset({"endpoint"}): (({"endpoint": ENDPOINT}, {"endpoint": NO_ENDPOINT}),),
    frozenset({"erasure"}): (({"erasure": ERASURE}, {"erasure": NO_ERASURE}),),
    frozenset({"job"}): (({"job": DONE_JOB}, {"job": NO_JOB}),),
}
# Of one route, where the object of the others would not do: a job that has ended can't be cancelled.
OF_ROUTE: Final = {
    "cancel_job": (({"job": WAITING_JOB}, {"job": NO_JOB}),),
    "remove_webhook_endpoint": (({"endpoint": OTHER_ENDPOINT}, {"endpoint": NO_ENDPOINT}),),
    "undo_bulk_action": (({"job": BULK_JOB}, {"job": NO_JOB}),),
}
QUERIES: Final[dict[str, dict[str, str]]] = {"read_may_send": {"purpose": "broadcast"}}
BODIES: Final[dict[str, Any]] = {
    "replay_to_webhook_endpoint": {"after": "now"},
    "change_webhook_endpoint": {"form": "omnichat"},
    "erase_customer": {"token": erasure_token("demo", [id_of(CONTACT)])},
    "erase_contact": {"token": erasure_token("demo", [id_of(CONTACT)])},
    "match_customer": {"filter": {"tag": "vip"}},
    "preview_member_merge": {"into": "M9"},
}


@pytest.fixture
async def settings(database_with_read_models: str, kafka: str) -> Settings:
    made = Settings(
        database=database_with_read_models,
        kafka=kafka,
        secret_key=SecretStr(MASTER),
        topic_prefix=f"walls-{uuid4().hex}",
        partitions=1,
    )
    await ensure_topics(made)
    return made


def routes() -> list[APIRoute]:
    nowhere = create_app(Settings(database="postgresql://nowhere", secret_key=SecretStr("a master key")))
    found = [context.original_route for context in iter_route_contexts(nowhere.routes)]
    return [route for route in found if isinstance(route, APIRoute) and route.param_convertors]


ROUTES: Final = routes()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.unique_id)
def test_the_names_of_each_route_s_objects_are_known(route: APIRoute) -> None:
    assert frozenset(route.param_convertors) in OBJECTS, "add objects of these parameters to OBJECTS"


async def test_another_tenant_s_object_is_answered_as_one_that_nobody_has(brand: Brand) -> None:
    for tenant in ("demo", "other"):
        brand.keys[tenant] = await add_key(brand.engine, tenant, ["admin"])
    await brand.fold(*LIVES)
    await brand.fold_contacts(SEGMENT)
    await brand.fold_identity(POLICY)
    await brand.connection.execute(JOBS + ENDPOINTS + ERASURES)
    await compose_all(brand.connection)
    for route in ROUTES:
        for own, nobodys in OF_ROUTE.get(route.unique_id, OBJECTS[frozenset(route.param_convertors)]):
            answers = [await ask(brand, route, names, "other") for names in (own, nobodys)]
            shown = [answer.text for answer in answers]
            for name, value in own.items():
                shown[0] = shown[0].replace(value, nobodys[name])
            assert answers[0].status_code == answers[1].status_code, (route.unique_id, own)
            assert shown[0] == shown[1], (route.unique_id, own)
            assert "林小美" not in answers[0].text
            assert (await ask(brand, route, own, "demo")).is_success, (route.unique_id, own)


async def ask(brand: Brand, route: APIRoute, names: dict[str, str], key: str) -> httpx.Response:
    method = next(iter(route.methods or {"GET"}))
    return await brand.client.request(
        method,
        route.url_path_for(route.name, **names),
        params=QUERIES.get(route.unique_id),
        json=BODIES.get(route.unique_id),
        headers={"Authorization": f"Bearer {brand.keys[key]}"},
    )
