"""Checks of Kafka: the cluster, and the topics of the generations that workers feed."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from projections.engine.followed_topics import TopicIdentities, replaced
from projections.engine.generation_records import Generation
from schemas.topics import FOR_EVER, TOPICS, Topic
from services.doctor.cluster import Cluster, TopicFacts
from services.doctor.finding import Area, CheckResult

CLUSTER: Final = Area("Kafka")
AREA: Final = Area("topics")
_MANY: Final = 3  # replicas of a topic that survives the loss of a broker


async def check_cluster(cluster: Cluster) -> list[CheckResult]:
    """How many brokers there are, and of which version."""
    number = await cluster.brokers()
    found = [CLUSTER.ok("brokers", str(number))]
    if number < _MANY:
        advice = "one disk is the only copy of what happened: use three brokers where losing it matters"
        found = [CLUSTER.warning("brokers", str(number), advice)]
    if not await cluster.is_kafka_4():
        found.append(CLUSTER.warning("version", "not Apache Kafka 4 or later", "run it on Apache Kafka 4 or later"))
    else:
        found.append(CLUSTER.ok("version", "4 or later"))
    return found


def wanted_topics(
    generations: Iterable[Generation], prefix: str, topics: Collection[Topic] = TOPICS
) -> dict[str, Topic]:
    """Those of the ``topics`` that these generations use, by their names."""
    return {one.topic_name(topic, prefix): topic for one in generations for topic in topics}


def check_topics(
    wanted: Mapping[str, Topic], known: Mapping[str, TopicFacts], folded: Mapping[tuple[str, int], int]
) -> Iterator[CheckResult]:
    """Each topic: it exists, it is served, and its settings lose nothing."""
    for name, topic in wanted.items():
        facts = known.get(name)
        if facts is None:
            yield AREA.failed(name, "it does not exist", "run `onefold migrate`, if it was never made; else restore it")
            continue
        problems = [*_problems(name, topic, facts, folded)]
        yield from problems
        if not problems:
            yield AREA.ok(name, f"{facts.partitions} partitions, {facts.replicas} replicas, kept for ever")


def check_identities(generation: str, known: TopicIdentities, now: TopicIdentities) -> Iterator[CheckResult]:
    """Each topic that a generation folds: it is the one that was folded from the beginning."""
    for name, first in known.items():
        reason = replaced(name, first, now[name]) if name in now else None
        if reason:
            found, _, advice = reason.partition(". ")
            yield AREA.failed(f"{name} of {generation}", found, advice)


def _problems(
    name: str, topic: Topic, facts: TopicFacts, folded: Mapping[tuple[str, int], int]
) -> Iterator[CheckResult]:
    if facts.leaderless:
        yield AREA.failed(name, f"{facts.leaderless} partitions have no leader", "start the brokers that have them")
    if facts.behind:
        yield AREA.warning(name, f"{facts.behind} partitions have replicas behind", "start the brokers that have them")
    for setting, least in (("retention.ms", FOR_EVER), ("retention.bytes", FOR_EVER)):
        if (now := facts.config.get(setting)) not in (None, str(least)):
            advice = f"Kafka deletes what can't be had again: set {setting}=-1 on the topic"
            yield AREA.failed(name, f"{setting} is {now}", advice)
    if "compact" in facts.config.get("cleanup.policy", ""):
        yield AREA.failed(name, "it is compacted", "only the last event of a key is kept: set cleanup.policy=delete")
    if int(facts.config.get("max.message.bytes", topic.largest_record)) < topic.largest_record:
        advice = f"set max.message.bytes={topic.largest_record} on the topic"
        yield AREA.failed(name, f"max.message.bytes is {facts.config['max.message.bytes']}", advice)
    yield from _replicas(name, facts)
    if more := {place for of_topic, place in folded if of_topic == name and place >= facts.partitions}:
        advice = "another topic has taken its name: restore the one that was folded"
        yield AREA.failed(name, f"{len(more)} partitions that were folded are gone", advice)


def _replicas(name: str, facts: TopicFacts) -> Iterator[CheckResult]:
    in_sync = int(facts.config.get("min.insync.replicas", 1))
    if facts.replicas >= _MANY and in_sync < _MANY - 1:
        advice = "an event may be acknowledged by one broker alone: set min.insync.replicas=2 on the topic"
        yield AREA.warning(name, f"min.insync.replicas is {in_sync}", advice)
    if 1 < facts.replicas <= in_sync:
        advice = "writing stops as soon as one broker does: set min.insync.replicas below the number of replicas"
        yield AREA.warning(name, f"min.insync.replicas is {in_sync} of {facts.replicas}", advice)
