import pytest

from services.embedded.http import belongs_to_ingress


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/events"),
        ("GET", "/v1/events"),  # which ingress answers with 405
        ("PUT", "/v1/identity/policy"),
        ("GET", "/webhooks/meta/fb-main"),
        ("GET", "/v1/sources"),
        ("OPTIONS", "/v1/identify"),
        ("OPTIONS", "/v1/t"),
        ("GET", "/v1/projects/wk_1/settings"),
        ("POST", "/v1/contacts/line/oa/U1/unsubscribe"),
    ],
)
def test_what_is_said_goes_to_ingress(method: str, path: str) -> None:
    assert belongs_to_ingress(method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/identity/policy"),
        ("POST", "/v1/identity/policy/preview"),
        ("GET", "/v1/contacts/line/oa/U1"),
        ("HEAD", "/docs"),
    ],
)
def test_what_is_asked_goes_to_query(method: str, path: str) -> None:
    assert not belongs_to_ingress(method, path)
