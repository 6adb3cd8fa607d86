import pytest

from services.runtime.peers import Peers, networks_in


def scope(host: str, *forwarded: str) -> dict[str, object]:
    return {"client": (host, 1), "headers": [(b"x-forwarded-for", one.encode()) for one in forwarded]}


def test_nobody_is_believed_about_addresses_but_a_proxy_that_is_trusted() -> None:
    assert Peers().of(scope("10.0.0.1", "198.51.100.7")) == "10.0.0.1"
    peers = Peers(networks_in("10.0.0.0/8, 2001:db8::1"))
    assert peers.of(scope("192.0.2.1", "198.51.100.7")) == "192.0.2.1"
    assert peers.of(scope("10.0.0.1", "198.51.100.7")) == "198.51.100.7"
    assert peers.of(scope("2001:db8::1", "198.51.100.7")) == "198.51.100.7"


@pytest.mark.parametrize("forwarded", [("6.6.6.6, 198.51.100.7, 10.1.1.1",), ("6.6.6.6", "198.51.100.7", "10.1.1.1")])
def test_the_last_address_that_is_no_proxy_counts_and_not_what_the_sender_made_up(forwarded: tuple[str, ...]) -> None:
    assert Peers(networks_in("10.0.0.0/8")).of(scope("10.0.0.1", *forwarded)) == "198.51.100.7"


def test_a_proxy_that_names_nobody_is_the_peer_itself() -> None:
    peers = Peers(networks_in("10.0.0.0/8"))
    assert peers.of(scope("10.0.0.1")) == "10.0.0.1"
    assert peers.of(scope("10.0.0.1", "")) == "10.0.0.1"
    assert peers.of({"client": None, "headers": []}) == ""


def test_a_network_of_ipv6_is_one_peer() -> None:
    assert Peers().of(scope("2001:db8:1:2:3::4")) == Peers().of(scope("2001:db8:1:2:ffff::1"))
    assert Peers().of(scope("2001:db8:1:2::1")) != Peers().of(scope("2001:db8:1:3::1"))
    assert Peers().of(scope("::ffff:192.0.2.1")) == "192.0.2.1"


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="nginx"):
        networks_in("10.0.0.1, nginx")
