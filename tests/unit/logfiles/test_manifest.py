"""A topic that was made again goes on behind the former one, and is never taken for it."""

from services.logfiles.adoption import _beyond
from services.logfiles.importing import Imported
from services.logfiles.manifest import ArchivedPartition, ArchivedTopic, Manifest


def topic(*ends: int) -> ArchivedTopic:
    partitions = {number: ArchivedPartition(begin=0, end=end) for number, end in enumerate(ends)}
    return ArchivedTopic(topic_id="first", partitions=partitions)


def test_offsets_of_an_added_topic_go_on_behind_those_of_the_former_ones() -> None:
    archived = topic(20, 7)
    assert (archived.latest_id, archived.shift(0)) == ("first", 0)
    archived.add("second", {0: 0, 1: 3})
    assert (archived.latest_id, archived.shift(0), archived.shift(1)) == ("second", 20, 4)
    archived.partitions[0].end = 25
    archived.add("third", {0: 0, 1: 0})
    assert (archived.latest_id, archived.shift(0), archived.shift(1), archived.mixed) == ("third", 25, 7, False)


def test_topics_with_other_partitions_are_mixed_for_good() -> None:
    for begins in ({0: 0}, {0: 0, 1: 0, 2: 0}):
        archived = topic(20, 7)
        archived.add("second", begins)
        archived.add("third", dict.fromkeys(archived.partitions, 0))
        assert archived.mixed
        assert {archived.first_end(number) for number in archived.partitions} <= {20, 7, 0}


def test_a_generation_that_folded_more_of_the_first_topic_than_the_files_have_does_not_go_on() -> None:
    """What was added stands where its records were."""
    archived = topic(20, 7)
    archived.add("second", {0: 0, 1: 0})
    archived.partitions[0].end = 40
    imported = Imported(Manifest(complete=True, topics={"channel-events": archived}), 0, {})
    names = {"onefold.channel-events": "channel-events"}
    assert not list(_beyond(imported, names, {"onefold.channel-events": {0: 20, 1: 7}}))
    assert list(_beyond(imported, names, {"onefold.channel-events": {0: 30, 1: 7}})) == ["onefold.channel-events"]
