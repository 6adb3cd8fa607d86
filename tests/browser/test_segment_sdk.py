"""Segment's own SDK for browsers, in a real one, pointed at Onefold."""

from typing import Any

import orjson
import pytest

from schemas import codec
from schemas.events import Event
from tests.browser.conftest import Website

# The snippet's heart: what is called before the SDK is there waits in a list. `_cdn` is where it asks for its settings.
SNIPPET = """<!doctype html><title>高山烏龍</title><script>
  const calls = (window.analytics = []);
  for (const name of ["identify", "track", "page", "alias", "group"])
    calls[name] = (...given) => calls.push([name, ...given]);
  calls._writeKey = "WRITE_KEY"; calls._cdn = "http://ONEFOLD"; calls._loadOptions = OPTIONS;
  CALLS
</script><script src="/sdk/standalone.js"></script>"""
CALLS = """
  analytics.page("Tea", "Oolong");
  analytics.identify("M7", {email: "a@example.tw", name: "林佳穎", points: 320});
  analytics.track("加入購物車", {sku: "OOL-150", price: 680});
"""


def a_page(site: Website, calls: str, options: dict[str, Any]) -> str:
    html = SNIPPET.replace("WRITE_KEY", site.write_key).replace("ONEFOLD", site.onefold)
    return html.replace("OPTIONS", orjson.dumps(options).decode()).replace("CALLS", calls)


def said(events: list[Event]) -> dict[str, Any]:
    """Data by type, of the events whose type comes once."""
    return {event.type: orjson.loads(codec.data_json(event)) for event in events}


async def test_a_stock_sdk_needs_to_know_nothing_but_where_onefold_is(website: Website) -> None:
    await website.show(a_page(website, CALLS, {}))
    # page; the member's login, the browser's, profile and attribute; the member for the day and track. The SDK sends
    # them at a time: a page that comes first is the browser's first login.
    events = await website.events(7)
    while len(_data(events, "web.tracked")) < 2 or "attribute.set" not in said(events):
        events = await website.events(len(events) + 1)
    events = [event for event in events if not event.event_id.startswith("web:seen:")]
    anonymous_id = await website.page.evaluate("analytics.user().anonymousId()")
    assert {event.contact.uid for event in events if event.contact} == {anonymous_id, "user:M7"}
    tracked = {event["event"]: event for event in _data(events, "web.tracked")}
    assert tracked["page_viewed"]["url"] == f"http://{website.address}/shop"
    assert tracked["page_viewed"]["properties"]["title"] == "高山烏龍"
    assert tracked["page_viewed"]["properties"]["category"] == "Tea"
    assert tracked["加入購物車"]["properties"] == {"sku": "OOL-150", "price": 680}
    assert said(events)["profile.updated"] == {"display_name": "林佳穎", "locale": "zh-TW", "assurance": "claimed"}
    points = {"key": "points", "value": 320, "type": "number", "assurance": "claimed"}
    assert said(events)["attribute.set"] == points
    member = {"type": "member_id", "value": "M7", "assurance": "claimed"}
    email = {"type": "email", "value": "a@example.tw", "assurance": "claimed"}
    logins = sorted(_data(events, "identity.bound"), key=lambda login: len(login["identifiers"]))
    assert [login["identifiers"] for login in logins] == [[member], [member], [member, email]]


async def test_what_was_gathered_is_sent_when_the_visitor_leaves(website: Website) -> None:
    batching = {"strategy": "batching", "config": {"size": 50, "timeout": 600_000}}
    options = {"integrations": {"Segment.io": {"deliveryStrategy": batching}}}
    await website.show(a_page(website, CALLS, options))
    await website.page.wait_for_function("window.analytics.initialized && analytics.user().id() === 'M7'")
    await website.page.evaluate("analytics.track('Last')")  # resolved after what was said before it
    assert await website.ingress.log() == []
    await website.show("<title>elsewhere</title>", "elsewhere")
    names = {data["event"] for data in _data(await website.events(8), "web.tracked")}
    assert names == {"page_viewed", "加入購物車", "Last"}


async def test_the_sdk_from_npm_may_be_told_where_to_send(website: Website) -> None:
    html = """<!doctype html><script src="/sdk/index.js"></script><script>
      window.sdk = AnalyticsNext.AnalyticsBrowser.load(
        {writeKey: "WRITE_KEY", cdnSettings: {integrations: {"Segment.io": {apiKey: "WRITE_KEY"}}}},
        {integrations: {"Segment.io": {apiHost: "ONEFOLD/v1", protocol: "http"}}});
      sdk.track("Paid", {total: 680});
    </script>"""
    await website.show(html.replace("WRITE_KEY", website.write_key).replace("ONEFOLD", website.onefold))
    (event,) = await website.events(1)
    assert said([event])["web.tracked"]["event"] == "Paid"


@pytest.mark.parametrize("send", ["fetch(url, {method: 'POST', body})", "fetch(url, {method: 'POST', body, headers})"])
async def test_a_script_sees_that_its_key_is_wrong(website: Website, send: str) -> None:
    await website.show("<title>shop</title>")
    status = await website.page.evaluate(
        f"""url => {{
          const body = JSON.stringify({{event: "x", anonymousId: "c1", writeKey: "wk_guess"}});
          const headers = {{"Content-Type": "application/json", "Authorization": "Basic " + btoa("wk_guess:")}};
          return {send}.then(answer => answer.status);
        }}""",
        f"http://{website.onefold}/v1/t",
    )
    assert status == 401


async def test_a_beacon_arrives(website: Website) -> None:
    await website.show("<title>shop</title>")
    await website.page.evaluate(
        "([url, writeKey]) => navigator.sendBeacon(url, "
        "JSON.stringify({event: 'Left', anonymousId: 'c1', messageId: '1', writeKey}))",
        [f"http://{website.onefold}/v1/track", website.write_key],
    )
    (event,) = await website.events(1)
    assert (event.type, event.event_id) == ("web.tracked", "web:did:1")


def _data(events: list[Event], type_name: str) -> list[dict[str, Any]]:
    return [orjson.loads(codec.data_json(event)) for event in events if event.type == type_name]
