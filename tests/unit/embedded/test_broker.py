import pytest

from services.embedded.broker import Choice, resolve_choice
from services.embedded.errors import NoKafka

AWAY = NoKafka("no registry in reach")


@pytest.mark.parametrize(
    ("wanted", "held", "kafka_error", "kind"),
    [
        ("auto", None, None, "kafka"),
        ("auto", None, AWAY, "fallback"),
        ("fallback", None, None, "fallback"),
        ("auto", "fallback", None, "fallback"),
        ("auto", "kafka", None, "kafka"),
    ],
)
def test_the_choice(wanted: Choice, held: Choice | None, kafka_error: NoKafka | None, kind: Choice) -> None:
    assert resolve_choice(wanted, held, kafka_error) == kind


@pytest.mark.parametrize(("wanted", "held"), [("kafka", None), ("auto", "kafka"), ("kafka", "kafka")])
def test_no_fallback_for_who_insists_on_kafka_or_has_a_log_of_it(wanted: Choice, held: Choice | None) -> None:
    with pytest.raises(NoKafka, match="no registry in reach"):
        resolve_choice(wanted, held, AWAY)


@pytest.mark.parametrize(("wanted", "held"), [("kafka", "fallback"), ("fallback", "kafka")])
def test_a_log_is_never_given_to_the_other_kind(wanted: Choice, held: Choice) -> None:
    with pytest.raises(NoKafka, match=f"written by the broker '{held}'"):
        resolve_choice(wanted, held, None)
