"""One page of metrics for all generations that a worker feeds."""

from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from services.runtime.http import listen
from services.worker.background.generation_metrics import FedGeneration, merged, metrics_of

PAGE = """\
# HELP onefold_events_committed_total New events
# TYPE onefold_events_committed_total counter
onefold_events_committed_total{{topic="events"}} {count}
# HELP onefold_lag_seconds Age
# TYPE onefold_lag_seconds gauge
onefold_lag_seconds{{topic="events"}} 0.5
# HELP onefold_chunk_seconds Time
# TYPE onefold_chunk_seconds histogram
onefold_chunk_seconds_bucket{{topic="events",le="+Inf"}} 2.0
onefold_chunk_seconds_count{{topic="events"}} 2.0
onefold_chunk_seconds_sum{{topic="events"}} 0.1
"""


def samples(page: bytes) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(page.decode()):
        yield from ((one.name, one.labels, one.value) for one in family.samples)


def test_every_series_says_whose_it_is_and_each_family_is_described_once() -> None:
    page = merged({"g1": PAGE.format(count=3), "g2": PAGE.format(count=4)})
    found = list(samples(page))
    counted = {labels["generation"]: value for name, labels, value in found if name == "onefold_events_committed_total"}
    assert counted == {"g1": 3, "g2": 4}
    assert {labels["generation"] for _, labels, _ in found} == {"g1", "g2"}
    assert len(found) == 10
    assert page.count(b"# TYPE ") == 3


async def test_a_child_that_does_not_answer_is_reported_and_left_out() -> None:
    with listen("127.0.0.1", 0) as nobody:
        port = nobody.getsockname()[1]
    page = await metrics_of({"g1": FedGeneration("active", None), "g2": FedGeneration("standby", port)})
    fed = {
        (labels["generation"], labels["state"]): value
        for name, labels, value in samples(page)
        if name == "onefold_generation_fed"
    }
    assert fed == {("g1", "active"): 1, ("g2", "standby"): 0}
    assert {labels["generation"] for name, labels, _ in samples(page) if name == "onefold_partitions_stopped"} == {"g1"}
