"""Requests without the right, of another tenant, or that make no sense: each gets its problem and no data."""

from itertools import product
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.timeline.queries import NEWEST
from services.query.core import cursors
from services.query.http import contacts, customers, identity
from services.runtime.problems import MEDIA_TYPE
from tests.support.contact_records import event
from tests.support.read_api import Brand, id_of

CONTACT = "line:oa1:U1"
NAMED = ["/v1/contacts/line/oa1/U1", f"/v1/customers/contact:{CONTACT}"]
TIMELINES = [f"{path}/timeline" for path in (*NAMED, f"/v1/customers/{id_of(CONTACT)}")]
EXPLAINED = [
    f"/v1/customers/{id_of(CONTACT)}/identity",
    f"/v1/customers/contact:{CONTACT}/identity",
    f"/v1/identity/why?a={CONTACT}&b={CONTACT}",
    f"/v1/identity/why?a={id_of(CONTACT)}&b=contact:{CONTACT}",
]
CONFLICTS = "/v1/identity/conflicts"  # a tenant's own list, which is there for everybody
ROUTES = [
    *NAMED,
    f"/v1/customers/{id_of(CONTACT)}",
    f"/v1/customers/contact:{CONTACT}/contacts",
    *TIMELINES,
    *EXPLAINED,
]
SERVED = (*contacts.router.routes, *customers.router.routes, *identity.router.routes)


def assert_problem(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    body = response.json()
    assert body["status"] == status
    return body


def test_every_route_is_tried_here() -> None:
    paths = [path.partition("?")[0] for path in (*ROUTES, CONFLICTS)]
    tried = {route.path for path in paths for route in SERVED if route.path_regex.match(path)}  # type: ignore[attr-defined]
    assert tried == {route.path for route in SERVED}  # type: ignore[attr-defined]


async def test_another_tenants_contact_is_not_found(brand: Brand, subtests: pytest.Subtests) -> None:
    await brand.fold_contacts(event("contact.followed"))
    for path in ROUTES:
        with subtests.test(path=path):
            assert (await brand.get(path)).status_code == 200
            theirs = assert_problem(await brand.get(path, "other"), 404)
            unknown = path.replace("U1", "U9").replace(str(id_of(CONTACT)), str(id_of("line:oa1:U9")))
            assert theirs == assert_problem(await brand.get(unknown, "other"), 404)


async def test_the_same_contact_of_two_tenants_is_two(brand: Brand, subtests: pytest.Subtests) -> None:
    await brand.fold_contacts(event("contact.followed", event_id="ours"))
    await brand.fold_contacts(event("contact.blocked", event_id="theirs").model_copy(update={"tenant": "other"}))
    for path in (path for path in ROUTES if str(id_of(CONTACT)) not in path and path not in EXPLAINED):
        with subtests.test(path=path):
            ours, theirs = (await brand.get(path)).text, (await brand.get(path, "other")).text
            assert ("blocked" in ours, "blocked" in theirs) == (False, True)
            assert str(id_of(CONTACT, "other")) not in ours


@pytest.mark.parametrize("path", TIMELINES)
async def test_a_cursor_of_another_tenant_opens_nothing(brand: Brand, path: str) -> None:
    await brand.fold_contacts(event("contact.followed"))
    place = NEWEST._replace(contact_id=id_of(CONTACT), event_id="z")
    assert_problem(await brand.get(path, "other", cursor=cursors.write(place)), 404)


AUTHORIZATIONS = [None, "", "Bearer", "Bearer of_unknown", "Basic eDp5", "Bearer \xff"]


async def test_without_a_valid_key_every_route_answers_401(brand: Brand, subtests: pytest.Subtests) -> None:
    await brand.fold_contacts(event("contact.followed"))
    for path, sent in product([*ROUTES, CONFLICTS, "/v1/customers/x"], AUTHORIZATIONS):
        with subtests.test(path=path, sent=sent):
            headers = httpx.Headers({} if sent is None else {b"Authorization": sent.encode("latin-1")})
            assert_problem(await brand.client.get(path, headers=headers), 401)


async def test_a_key_without_the_scope_gets_403(brand: Brand, subtests: pytest.Subtests) -> None:
    await brand.fold_contacts(event("contact.followed"))
    for path in (*ROUTES, CONFLICTS):
        with subtests.test(path=path):
            assert_problem(await brand.get(path, "writer"), 403)


UNKNOWN = [
    "/v1/contacts/line/oa1/",
    "/v1/contacts/line/oa1//timeline",
    "/v1/contacts/line/oa1",
    "/v1/contacts/fax/oa1/U1",
    "/v1/contacts/line/oa:1/U1",
    "/v1/contacts/line/oa1/%00",
    "/v1/contacts/line/oa1/%FF",
    "/v1/contacts/line/oa1/%ED%A0%80",
    "/v1/contacts/line/oa1/U1/",
    "/v1/contacts/line/oa1/" + "U" * 256,
    "/v1/contacts/line/oa1/" + "U" * 15_000,
    "/v1/customers/",
    "/v1/customers/x",
    "/v1/customers/x/timeline",
    "/v1/customers/x/contacts",
    "/v1/customers/%00",
    "/v1/customers/00000000-0000-0000-0000-000000000000/timeline",
    "/v1/customers/contact:line:oa1",
    "/v1/customers/contact:line:oa1:%00",
    "/v1/customers/contact:line:oa1:a/b",
    "/v1/customers/member:",
    "/v1/customers/member:%00",
    "/v1/customers/member:M1%00",
    "/v1/customers/member:null",
    "/v1/customers/member:M1/timeline",
    "/v1/customers/member:" + "M" * 15_000,
    "/v1/customers/phone:",
    "/v1/customers/phone:x",
    "/v1/customers/phone:0000000000/identity",
    "/v1/customers/email:a@b",
    "/v1/customers/email:a@example.tw/contacts",
    "/v1/customers/x/identity",
    "/v1/customers/fax:1/identity",
    "/v1/identity",
    "/v1/identity/why?a=line:oa1:U1&b=line:oa1:U9",
    "/v1/identity/why?a=line:oa1:U1&b=line:oa1",
    "/v1/identity/why?a=&b=",
    "/v1/identity/why?a=%00&b=%00",
    "/v1/identity/why?a=line:oa1:%00&b=line:oa1:U1",
    "/v1/identity/policy/versions/%00",
    "/v1/accounts/line/a%00b/events",
    "/v1/nothing",
]


async def test_text_that_cannot_be_a_name_is_not_found(brand: Brand, subtests: pytest.Subtests) -> None:
    tenant_wide = event("tenant.quota_set", limit=5).model_copy(update={"contact": None})
    await brand.fold_contacts(event("contact.followed"), tenant_wide)
    for path in UNKNOWN:
        with subtests.test(path=path):
            assert_problem(await brand.get(path), 404)


CURSORS = ["", "x", "AAAA", "!!!!", "=", "x" * 1500, "\0", "é"]


async def test_a_cursor_that_was_never_given_out_is_refused(brand: Brand, subtests: pytest.Subtests) -> None:
    await brand.fold_contacts(event("contact.followed"))
    for path, cursor in product([*TIMELINES, CONFLICTS], CURSORS):
        with subtests.test(path=path, cursor=cursor):
            assert assert_problem(await brand.get(path, cursor=cursor), 400)["type"] == "/problems/bad-cursor"


PARAMS: list[dict[str, Any]] = [
    {"limit": "0"},
    {"limit": "201"},
    {"limit": "-1"},
    {"limit": "x"},
    {"limit": str(2**80)},
    {"type": ""},
    {"type": "\0"},
    {"type": "x" * 256},
    {"type": ["x"] * 51},
    {"cursor": "x" * 2000},
]


async def test_parameters_that_do_not_fit_the_description_are_refused(brand: Brand, subtests: pytest.Subtests) -> None:
    for params in PARAMS:
        with subtests.test(params=params):
            assert_problem(await brand.get(TIMELINES[0], **params), 422)


UNFIT = ["why", "why?a=line:oa1:U1", "why?a=x&b=" + "x" * 601, "conflicts?limit=0", "conflicts?limit=201"]


async def test_identity_parameters_that_do_not_fit_are_refused(brand: Brand, subtests: pytest.Subtests) -> None:
    for question in UNFIT:
        with subtests.test(question=question):
            assert_problem(await brand.get(f"/v1/identity/{question}"), 422)


async def test_no_route_takes_a_post(brand: Brand) -> None:
    for path in ROUTES:
        assert_problem(await brand.client.post(path, headers={"Authorization": f"Bearer {brand.keys['demo']}"}), 405)


texts = st.text(max_size=20).map(lambda text: quote(text.encode("utf-8", "surrogatepass"), safe=""))
segments = texts | st.sampled_from(
    ["%", "%zz", "%00", "%FF", "..", ".", "", "line", "contact:line:oa1:U1", "contact:", "timeline", "-" * 36]
)


NONSENSE = [
    "/v1/contacts/{}/{}/{}",
    "/v1/contacts/line/oa1/{}",
    "/v1/customers/{}",
    "/v1/customers/member:{}",
    "/v1/customers/phone:{}",
    "/v1/customers/email:{}",
    "/v1/identity/why/{}",
    "/v1/identity/why",
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_nonsense_is_never_a_server_error(brand: Brand, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(NONSENSE))
    path = path.format(*(data.draw(segments) for _ in range(3))) + data.draw(
        st.sampled_from(["", "/timeline", "/contacts", "/identity", "/"])
    )
    query = data.draw(
        st.dictionaries(
            st.sampled_from(["limit", "cursor", "type", "a", "b", "x", "as_of", "known_at"]), segments, max_size=3
        )
    )
    target = path + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
    url = httpx.URL("http://test").copy_with(raw_path=target.encode())
    response = await brand.client.get(url, headers={"Authorization": f"Bearer {brand.keys['demo']}"})
    assert response.status_code in {400, 404, 422}, response.text
    assert response.headers["content-type"] == MEDIA_TYPE


async def test_a_query_parameter_that_a_route_has_not_is_refused_by_name(
    brand: Brand, subtests: pytest.Subtests
) -> None:
    await brand.fold_contacts(event("contact.followed"))
    for path in (*ROUTES, CONFLICTS):
        asked = f"{path}{'&' if '?' in path else '?'}"
        with subtests.test(path=path):
            problem = assert_problem(await brand.get(f"{asked}Limit=5"), 422)
            assert [one["field"] for one in problem["errors"]] == ["query.Limit"]
            assert_problem(await brand.client.get(f"{asked}Limit=5"), 401)
