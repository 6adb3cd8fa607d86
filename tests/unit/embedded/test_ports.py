import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.embedded import ports
from services.embedded.errors import CannotStart, PortBusy
from services.embedded.ports import free_port, is_free, kept_ports, require_free


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_busy(busy: int) -> None:
    assert not is_free(busy)
    with pytest.raises(PortBusy, match=f"Port {busy}, wanted for tea, is in use by another program.*--port"):
        require_free(busy, "tea", "--port")


def test_a_port_is_free_again_when_its_listener_is_gone() -> None:
    port = free_port()
    assert is_free(port)
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(("127.0.0.1", port)):
        server.accept()[0].close()  # the side that closes first is left in TIME_WAIT
    assert is_free(port)


def test_a_port_is_chosen_by_one_process_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    two = sorted(free_port() for _ in range(2))
    assert two[0] != two[1]
    monkeypatch.setattr(ports, "_CHOICE", two * 100)  # as another process finds them: free, and chosen
    with pytest.raises(CannotStart):
        free_port()


def test_ports_are_the_same_next_time(tmp_path: Path) -> None:
    first = kept_ports(tmp_path / "ports.json", ("kafka", "postgres"))
    assert kept_ports(tmp_path / "ports.json", ("kafka", "postgres")) == first


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path, busy: int) -> None:
    file = tmp_path / "ports.json"
    file.write_text(f'{{"kafka": {busy}}}')
    assert kept_ports(file, ("kafka",))["kafka"] != busy


def test_a_spoilt_file_is_no_obstacle(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    file.write_text("[")
    assert kept_ports(file, ("kafka",))["kafka"] > 0
