"""RudderStack's own SDK for browsers, in a real one, pointed at Onefold."""

from typing import Any

import orjson
import pytest

from schemas import codec
from tests.browser.conftest import Website

HTML = """<!doctype html><title>高山烏龍</title><script src="/rudderstack/index.js"></script><script>
  const sdk = (window.sdk = new rudderanalytics.RudderAnalytics());
  sdk.load("WRITE_KEY", "http://ONEFOLD", {configUrl: "http://ONEFOLD", ...OPTIONS});
  sdk.page("Tea", "Oolong");
  sdk.identify("B1", {name: "林佳穎", email: "a@example.tw", phone: "+886912345678", plan: "gold"},
    {externalId: [{type: "x_card", id: "77"}]});
  sdk.track("加入購物車", {sku: "OOL-150", price: 680});
</script>"""


@pytest.mark.parametrize("options", [{}, {"useBeacon": True}], ids=["xhr", "beacon"])
async def test_a_stock_sdk_needs_to_know_nothing_but_where_onefold_is(
    website: Website, options: dict[str, Any]
) -> None:
    html = HTML.replace("WRITE_KEY", website.write_key).replace("ONEFOLD", website.onefold)
    await website.show(html.replace("OPTIONS", orjson.dumps(options).decode()))
    await website.page.wait_for_function("window.RudderStackGlobals && sdk.getUserId() === 'B1'")
    if options:  # a beacon waits for its batch to be full, or for the visitor to leave
        await website.show("<title>elsewhere</title>", "elsewhere")
    # page; login, profile and attribute; track
    events = await website.events(6)
    data = [(event.type, orjson.loads(codec.data_json(event))) for event in events]
    done = {one["event"]: one for kind, one in data if kind == "web.tracked"}
    assert done["page_viewed"]["url"] == f"http://{website.address}/shop"
    assert done["page_viewed"]["properties"]["title"] == "高山烏龍"
    assert done["加入購物車"]["properties"] == {"sku": "OOL-150", "price": 680}
    assert {"B1", "a@example.tw", "+886912345678", "77"} <= {
        one["value"] for kind, bound in data if kind == "identity.bound" for one in bound["identifiers"]
    }
    (profile,) = (one for kind, one in data if kind == "profile.updated")
    assert (profile["display_name"], profile["locale"]) == ("林佳穎", "zh-TW")
    ((key, value),) = ((one["key"], one["value"]) for kind, one in data if kind == "attribute.set")
    assert (key, value) == ("plan", "gold")
    assert all(0 <= event.received_at - event.occurred_at < 60_000 for event in events)
