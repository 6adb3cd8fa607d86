"""Requests of other websites are refused, and no address leads out of the console."""

import pytest
from starlette.requests import Request

from services.console.http.visits import HOME, Visit, safe_address
from services.runtime.problems import Problem


def a_visit(**headers: str) -> Visit:
    sent = [(b"host", b"onefold.example")]
    sent += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/console", "query_string": b"", "headers": sent}
    return Visit(Request(scope), None, "", 0)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://onefold.example"},
        {"origin": "https://onefold.example", "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "same-origin"},
    ],
)
def test_a_page_of_the_console_may_send_forms(headers: dict[str, str]) -> None:
    a_visit(**headers).check_origin()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "https://evil.example"},
        {"origin": "https://onefold.example.evil.example"},
        {"origin": "https://onefold.example", "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
    ],
)
def test_any_other_page_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(Problem):
        a_visit(**headers).check_origin()


@pytest.mark.parametrize(
    "address", ["https://evil.example/console", "//evil.example/console", "/v1/quota", "\\\\evil", "", "/console\n"]
)
def test_an_address_outside_of_the_console_leads_to_the_first_page(address: str) -> None:
    assert safe_address(address) == HOME


def test_an_address_of_the_console_is_kept() -> None:
    assert safe_address("/console/customers?q=%E6%9E%97") == "/console/customers?q=%E6%9E%97"
