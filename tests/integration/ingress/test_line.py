import orjson
import pytest

from services.control.source_activity import activity_of
from services.control.sources import add_source
from services.ingress.handlers.doctor import SILENT_BODIES
from services.runtime.secrets import seal
from tests.support.ingress import MASTER, SECRETS, RunningIngress, assert_problem, line_signature, line_webhook


@pytest.mark.parametrize("secret", SECRETS)
async def test_a_signed_webhook_is_in_the_log_when_it_is_answered(ingress: RunningIngress, secret: bytes) -> None:
    body = line_webhook("你好", "second")
    answer = await ingress.line(body, line_signature(body, secret))
    assert (answer.status_code, answer.json()) == (200, {})
    log = sorted(await ingress.log(), key=lambda record: record[1].occurred_at)
    assert [key for key, _ in log] == ["acme|line:oa1:U" + "0" * 32] * 2
    first = log[0][1]
    assert (first.type, first.tenant, first.source, first.event_id) == (
        "message.received",
        "acme",
        "shop-line",
        f"line:01HZ{0:022d}",
    )
    assert first.intrinsic[0].value == "p1:U" + "0" * 32


async def test_a_wrong_signature_is_refused_and_nothing_is_kept(ingress: RunningIngress) -> None:
    body = line_webhook("forged")
    for headers in (line_signature(body, b"guess"), line_signature(body + b" "), {}, {"x-line-signature": "Ü=="}):
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        answer = await ingress.client.post("/webhooks/line/shop-line", content=body, headers=raw)
        assert_problem(answer, 401, "wrong-signature")
    assert await ingress.log() == []


async def test_what_came_is_counted_by_source_and_so_is_what_was_refused(ingress: RunningIngress) -> None:
    silent = next(iter(SILENT_BODIES))
    for body, secret in ((line_webhook("a", "b"), SECRETS[0]), (line_webhook("c"), b"guess"), (b"{", SECRETS[0])):
        await ingress.line(body, line_signature(body, secret))
    for secret in (SECRETS[0], b"guess"):  # the doctor's calls say nothing about the channel
        await ingress.line(silent, line_signature(silent, secret))
    await ingress.app.state.ingress.activity.flush()
    found = await activity_of(ingress.engine, "acme")
    counted = {hour.origin[1:]: counts[:4] for hour, counts in found.items()}
    assert counted == {("shop-line", "line", ""): (1, 0, 1, 1), ("shop-line", "line", "oa1"): (0, 2, 0, 0)}


async def test_an_unknown_source_is_a_404(ingress: RunningIngress) -> None:
    body = line_webhook("hi")
    assert_problem(await ingress.line(body, line_signature(body), "nobody"), 404, "not-found")
    for name in ("no%00body", "%ED%A0%80", "a" * 5000, "SHOP-LINE"):
        assert_problem(await ingress.line(body, line_signature(body), name), 404, "not-found")


async def test_a_source_of_another_channel_is_none_here(ingress: RunningIngress) -> None:
    sealed = [seal(MASTER, SECRETS[0])]
    await add_source(ingress.engine, "page", tenant="acme", channel="facebook", account="1", sealed_secrets=sealed)
    body = line_webhook("hi")
    assert_problem(await ingress.line(body, line_signature(body, SECRETS[0]), "page"), 404, "not-found")


async def test_a_source_is_known_soon_after_it_was_added(ingress: RunningIngress) -> None:
    body = line_webhook("hi")
    assert_problem(await ingress.line(body, line_signature(body), "late"), 404, "not-found")
    await add_source(
        ingress.engine, "late", tenant="acme", channel="line", account="oa9", sealed_secrets=[seal(MASTER, SECRETS[1])]
    )
    ingress.clock.forward(2.1)
    assert (await ingress.line(body, line_signature(body), "late")).status_code == 200


async def test_the_connectivity_check_is_answered(ingress: RunningIngress) -> None:
    body = orjson.dumps({"destination": "Ubot", "events": []})
    assert (await ingress.line(body, line_signature(body))).status_code == 200
    assert await ingress.log() == []


async def test_a_signed_body_that_is_no_json_is_a_400(ingress: RunningIngress) -> None:
    assert_problem(await ingress.line(b'{"events":', line_signature(b'{"events":')), 400, "malformed-body")


async def test_a_repeat_is_the_same_event(ingress: RunningIngress) -> None:
    body = line_webhook("hi")
    again = body.replace(b'"isRedelivery":false', b'"isRedelivery":true')
    for sent in (body, again):
        assert (await ingress.line(sent, line_signature(sent))).status_code == 200
    first, second = (event for _, event in await ingress.log())
    assert first == second.model_copy(update={"received_at": first.received_at})


async def test_hostile_text_becomes_text_that_can_be_kept(ingress: RunningIngress) -> None:
    body = line_webhook("TEXT", "fine").replace(b"TEXT", b"a\\u0000b\\ud800c")
    assert (await ingress.line(body, line_signature(body))).status_code == 200
    texts = {getattr(event.data, "text", None) for _, event in await ingress.log()}
    assert texts == {"a\ufffdb\ufffdc", "fine"}


async def test_too_large_a_body_is_a_413(ingress: RunningIngress) -> None:
    body = line_webhook("x" * 3_000_000)
    assert_problem(await ingress.line(body, line_signature(body)), 413, "too-large")


async def test_webhooks_are_counted_by_outcome(ingress: RunningIngress) -> None:
    body = line_webhook("hi")
    await ingress.line(body, line_signature(body))
    await ingress.line(body, line_signature(body, b"guess"))
    metrics = (await ingress.client.get("/metrics")).text
    assert 'onefold_ingress_webhooks_total{channel="line",outcome="ok"}' in metrics
    assert 'onefold_ingress_webhooks_total{channel="line",outcome="wrong-signature"}' in metrics


async def test_a_secret_of_another_master_key_is_our_fault_and_no_secret_is_told(ingress: RunningIngress) -> None:
    sealed = [seal("another master", SECRETS[1])]
    await add_source(ingress.engine, "moved", tenant="acme", channel="line", account="oa1", sealed_secrets=sealed)
    body = line_webhook("hi")
    problem = assert_problem(await ingress.line(body, line_signature(body), "moved"), 500, "internal")
    assert problem.keys() == {"type", "title", "status"}
