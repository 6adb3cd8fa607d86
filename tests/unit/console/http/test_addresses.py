"""Pages are found as if each request were compared with all of them, one after the other."""

import re
from typing import Any, Final

import pytest
from starlette.routing import Match

from services.console.http.addresses import Pages
from services.console.main import PAGES

FOUND: Final = Pages(PAGES)
ADDRESSES: Final = sorted({re.sub(r"\{[^}]+\}", "a%2Fb", page.path) for page in PAGES})
OTHERS: Final = ["/", "/v1/quota", "/consoles", "/console/%63ustomers", "/console/customers/", "/console//customers"]


def scope_of(path: str, method: str) -> dict[str, Any]:
    decoded = path.replace("%2F", "/").replace("%63", "c")
    return {"type": "http", "method": method, "path": decoded, "raw_path": path.encode(), "root_path": ""}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("path", [*ADDRESSES, *OTHERS])
def test_an_address_has_the_page_that_a_look_at_each_of_them_finds(path: str, method: str) -> None:
    matched = [page.matches(scope_of(path, method)) for page in PAGES]
    best = next((one for one in matched if one[0] is Match.FULL), None)
    best = best or next((one for one in matched if one[0] is Match.PARTIAL), (Match.NONE, {}))
    assert FOUND.matches(scope_of(path, method)) == best


def test_a_socket_is_no_page() -> None:
    assert FOUND.matches({"type": "websocket", "path": "/console/customers"}) == (Match.NONE, {})
