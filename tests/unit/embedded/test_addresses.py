"""Commands beside a running `onefold up` find its servers, unless other ones are named."""

from pathlib import Path

import pytest

from services.embedded.addresses import published_addresses, running_addresses
from services.runtime.settings import Settings

_URL = "http://127.0.0.1:8080"


@pytest.fixture
def settings() -> Settings:
    return Settings(kafka="127.0.0.1:9", database="postgresql://u:p@127.0.0.1/d", secret_key="s" * 43)


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONEFOLD_KAFKA", "ONEFOLD_DATABASE", "ONEFOLD_SECRET_KEY", "ONEFOLD_URL"):
        monkeypatch.delenv(name, raising=False)


def test_the_servers_are_known_while_up_runs(tmp_path: Path, settings: Settings) -> None:
    with published_addresses(tmp_path, settings, _URL):
        found = running_addresses(tmp_path)
    assert found["ONEFOLD_KAFKA"] == "127.0.0.1:9"
    assert found["ONEFOLD_URL"] == _URL
    assert running_addresses(tmp_path) == {}


@pytest.mark.parametrize(("url", "known"), [(_URL, True), ("http://elsewhere.example", False)])
def test_other_servers_are_never_mixed_with_these(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, url: str, known: bool
) -> None:
    monkeypatch.setenv("ONEFOLD_URL", url)
    with published_addresses(tmp_path, settings, _URL):
        assert bool(running_addresses(tmp_path)) is known
