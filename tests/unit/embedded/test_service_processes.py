import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.embedded.service_processes import environment, reachable_host
from services.runtime.settings import Settings


def test_a_child_reads_exactly_the_settings_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEFOLD_PARTITIONS", "3")
    settings = Settings(
        kafka="127.0.0.1:9092",
        database="postgresql://onefold@127.0.0.1/onefold",
        secret_key=SecretStr("of the house"),
        data_dir=Path("/somewhere"),
        port=8099,
        log_json=True,
    )
    for name in [name for name in os.environ if name.startswith("ONEFOLD_")]:
        monkeypatch.delenv(name)
    child = environment(settings)
    for name, value in child.items():
        monkeypatch.setenv(name, value)
    assert Settings() == settings
    assert child["ONEFOLD_PARTITIONS"] == "3"


def test_what_is_unset_here_is_unset_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEFOLD_PARTITIONS", raising=False)
    settings = Settings()
    monkeypatch.setenv("ONEFOLD_PARTITIONS", "3")
    assert "ONEFOLD_PARTITIONS" not in environment(settings)


@pytest.mark.parametrize(
    ("listens_on", "asked_at"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("box", "box")],
)
def test_a_wildcard_is_asked_on_this_machine(listens_on: str, asked_at: str) -> None:
    assert reachable_host(listens_on) == asked_at
