from pathlib import Path

from services.embedded.kafka_config import LARGEST_MESSAGE, Ports, java_options, server_properties
from services.runtime.settings import Settings


def _settings(data: Path = Path("/data/log")) -> dict[str, str]:
    text = server_properties(Ports(broker=9001, controller=9002), data)
    return dict(line.split("=", 1) for line in text.splitlines())


def test_it_listens_on_this_machine_only() -> None:
    settings = _settings()
    assert settings["listeners"] == "PLAINTEXT://127.0.0.1:9001,CONTROLLER://127.0.0.1:9002"
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9001"
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:9002"


def test_it_keeps_everything_for_ever() -> None:
    assert _settings()["log.retention.ms"] == "-1"
    assert _settings()["log.dirs"] == "/data/log"


def test_every_internal_topic_is_content_with_one_node() -> None:
    factors = {name: value for name, value in _settings().items() if name.endswith(("replication.factor", "min.isr"))}
    assert len(factors) >= 6
    assert set(factors.values()) == {"1"}


def test_what_ingress_accepts_fits_into_a_message() -> None:
    assert Settings().body_limit < LARGEST_MESSAGE
    assert _settings()["message.max.bytes"] == str(LARGEST_MESSAGE)


def test_the_heap_is_modest() -> None:
    assert "-Xmx512m" in java_options()


def test_a_backslash_in_a_path_stays_one() -> None:
    assert _settings(Path("a\\b"))["log.dirs"] == "a\\\\b"
