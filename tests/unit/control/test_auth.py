import pytest
from prometheus_client import REGISTRY
from starlette.requests import Request

from projections.migrations.tables import SCOPES
from services.control.auth import Authenticator, permits
from services.control.keys import ApiKey
from services.runtime.api import Access
from services.runtime.auditing import AuditTrail, RequestNote
from services.runtime.buckets import Allowance
from services.runtime.problems import Problem
from tests.support.clock import Clock
from tests.support.keys import KeptEntries, a_guard, an_api_key, finding


def a_request(key: str, note: RequestNote | None = None) -> Request:
    headers = [(b"authorization", f"Bearer {key}".encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    return Request(scope | ({} if note is None else {"onefold.audit": note}))


async def test_each_key_has_its_rate_and_a_refusal_says_when_to_come_again() -> None:
    clock = Clock(0.0)
    keys = {"of_usual": an_api_key(["admin"]), "of_own": an_api_key(["admin"], rate=0.5, burst=2)}
    authenticator = Authenticator(finding(keys), 60, a_guard(Allowance.of(5), clock), clock)
    access = Access("admin", recorded=False)
    counted = REGISTRY.get_sample_value("onefold_http_rate_limited_total", {"tenant": "acme"}) or 0
    for key, burst, wait, policy in (("of_usual", 10, "1", "q=10;w=2"), ("of_own", 2, "2", "q=2;w=4")):
        for _ in range(burst):
            await authenticator.admit(a_request(key), access)
        with pytest.raises(Problem) as refused:
            await authenticator.admit(a_request(key), access)
        headers = refused.value.headers or {}
        assert (refused.value.kind.status, headers["Retry-After"]) == (429, wait)
        assert (headers["RateLimit-Policy"], headers["RateLimit"][:9]) == (f'"key";{policy}', '"key";r=0')
    assert REGISTRY.get_sample_value("onefold_http_rate_limited_total", {"tenant": "acme"}) == counted + 2
    clock.now = 2
    await authenticator.admit(a_request("of_own"), access)


async def test_costly_routes_take_more_and_the_answer_says_what_is_left() -> None:
    authenticator = Authenticator(finding({"of_key": an_api_key(["admin"])}), 60, a_guard(Allowance.of(50)))
    note = RequestNote()
    await authenticator.admit(a_request("of_key", note), Access("admin", cost=40, recorded=False))
    assert note.headers["RateLimit"] == '"key";r=60;t=1'


async def test_a_key_without_the_scope_is_limited_too_and_its_refusals_are_recorded() -> None:
    kept = KeptEntries()
    trail = AuditTrail(kept)
    authenticator = Authenticator(finding({"of_key": an_api_key(["audit"])}), 60, a_guard(Allowance.of(1), trail=trail))
    for status in (403, 403, 429):
        note = RequestNote()
        with pytest.raises(Problem) as refused:
            await authenticator.admit(a_request("of_key", note), Access("customers:read"))
        note.end({"type": "http", "method": "GET"}, status)
        assert refused.value.kind.status == status
    await trail.flush()
    assert [entry.status for entry in kept.entries] == [403, 403]


async def test_what_can_t_be_recorded_is_refused() -> None:
    guard = a_guard(trail=AuditTrail(KeptEntries(), most=1))
    authenticator = Authenticator(finding({"of_key": an_api_key(["admin"])}), 60, guard)
    await authenticator.admit(a_request("of_key", RequestNote()), Access("admin"))
    with pytest.raises(Problem) as refused:
        await authenticator.admit(a_request("of_key", RequestNote()), Access("admin"))
    assert refused.value.kind.status == 503
    await authenticator.admit(a_request("of_key", RequestNote()), Access("admin", recorded=False))


async def test_a_recorded_route_that_is_reached_past_the_audit_is_an_error() -> None:
    authenticator = Authenticator(finding({"of_key": an_api_key(["admin"])}), 60, a_guard())
    with pytest.raises(RuntimeError):
        await authenticator.admit(a_request("of_key"), Access("admin"))


async def test_a_long_answer_learns_that_its_key_was_revoked_and_may_not_go_on_while_nobody_knows() -> None:
    known, clock = {b"any": an_api_key(["customers:read"])}, Clock()

    async def find(_: bytes) -> ApiKey | None:
        if not known:
            raise OSError
        return known.get(b"any")

    authenticator = Authenticator(find, 60, a_guard(), clock)
    principal = await authenticator.admit(a_request("of_1"), Access("customers:read", recorded=False))
    assert await authenticator.still_admits(principal)
    known[b"another"] = known.pop(b"any")
    clock.now += 3
    assert not await authenticator.still_admits(principal)
    known.clear()
    clock.now += 3
    assert not await authenticator.still_admits(principal)


def test_admin_contains_every_scope_but_that_of_the_whole_installation() -> None:
    assert [scope for scope in SCOPES if not permits({"admin"}, scope)] == ["operator"]
    assert [scope for scope in SCOPES if permits({"operator"}, scope)] == ["operator"]
