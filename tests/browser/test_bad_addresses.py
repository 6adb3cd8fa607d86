"""Whatever an address or a form holds, a page says what is wrong: nothing fails, and nobody sees a 500."""

import re
from typing import Final
from urllib.parse import quote, urlencode

import pytest

from services.console.http.pages import PageRoute
from services.console.main import PAGES
from tests.support.console_customers import LINE
from tests.support.console_reader import MEI, Reader

pytestmark = pytest.mark.asyncio(loop_scope="session")
# A filter, and what every other field has: a NUL, days that there are not, letters that no header can have.
VALUES: Final = (
    ("a\0b", "a\0b"),
    ("{}", "-9999-01-01"),
    ('{"attribute":{}}', "9" * 300),
    ('{"all":[{"tag":"x","in":[]}]}', "0.王\ufffe"),
)
FIELDS: Final = (
    *("f", "q", "channel", "sort", "order", "cursor", "at", "field", "replace", "operator", "value", "attribute"),
    *("as_of", "contact", "done", "problem", "decision", "a", "b", "customer", "back", "member_id", "into", "day"),
    *("first", "event", "show", "types", "version", "reason", "next", "tenant", "code", "state", "id", "tag", "do"),
    *("name", "role", "scope", "key", "link", "person", "secret", "language", "theme", "policy", "note", "new_type"),
    *("request", "token", "confirmation", "outcome", "source", "account", "place", "checked", "encoding", "kind"),
)
_STAYS: Final = ("/sign-out", "/rebuild")  # what would end the session, or begin work


def address(page: PageRoute, value: str) -> str:
    """The page of something that there is; with a NUL, of what there can't be."""
    there = {"customer": MEI.rpartition("/")[2], "tenant": "demo"}
    name = value if "\0" in value else ""
    return re.sub(r"{(\w+)[^}]*}", lambda one: quote(name or there.get(one[1], "x")), page.path)


async def test_no_page_fails_whatever_its_address_or_form_holds(reader: Reader) -> None:
    request, origin = reader.page.request, f"http://{reader.address}"
    content = await reader.page.content()
    token = re.findall(r'name="csrf_token" value="(\w+)"', content)[0]
    failed = []
    for page in PAGES:
        method = "POST" if "POST" in (page.methods or ()) else "GET"
        if page.path.endswith(_STAYS) or page.path.startswith(("/console/live", "/console/oidc/{tenant}")):
            continue
        for tree, value in VALUES:
            fields = dict.fromkeys(FIELDS, value) | {"f": tree, "at": "0", "a": LINE}
            url = f"{origin}{address(page, value)}"
            if method == "GET":
                answer = await request.get(f"{url}?{urlencode(fields)}", max_redirects=0)
            else:
                sent = {"csrf_token": token} | fields
                answer = await request.post(url, form=sent, headers={"Origin": origin}, max_redirects=0)
            if answer.status >= 500:
                failed.append((method, url, value[:20], answer.status))
    assert failed == []
