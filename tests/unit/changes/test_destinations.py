"""Outbound webhooks go to public addresses alone, whatever their host's name resolves to."""

from ipaddress import ip_address

import pytest

from services.changes.destinations import DestinationRules, RefusedDestination, check_url, checked_addresses, is_public

STRICT, OPEN = DestinationRules(), DestinationRules(insecure=True, private=True)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fc00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:db8::1"),
        *("2001:0:4136:e378:8000:63bf:f5ff:fffe",),
    ],
)
def test_an_address_that_is_not_public_is_refused_in_every_spelling(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(RefusedDestination):
        checked_addresses(["93.184.215.14", address], STRICT)
    assert checked_addresses([address], OPEN) == [address]


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_a_public_address_is_allowed(address: str) -> None:
    assert checked_addresses([address, address], STRICT) == [address]


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.com/", "ftp://example.com/", "https://", "https:///x", "https://user:pw@example.com/", "x"),
        *("https://example.com/#x", "https://example.com:22/", "https://example.com:99999/", "https://exa mple.com/"),
        *("https://example.com\\@127.0.0.1/", "https://例.tw/", "https://example.com/" + "a" * 2000, "https://[::1/"),
        "https://example.com/\r\nX: y",
    ],
)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(RefusedDestination):
        check_url(url, STRICT)


def test_a_url_of_https_is_allowed_and_one_of_http_where_that_is_set() -> None:
    for url in ("https://example.com/hook?x=1", "https://example.com:8443/", "https://[2606:4700::1111]/"):
        assert check_url(url, STRICT) == url
    assert check_url("http://127.0.0.1:80/", OPEN)


def test_a_host_without_an_address_is_refused() -> None:
    with pytest.raises(RefusedDestination):
        checked_addresses([], OPEN)
