"""What a folder of log files has: for each topic its partitions, and for each file its offsets and checksum. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict

FORMAT: Final = 1
NAME: Final = "manifest.json"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LogFile(_Entry):
    """A whole file: records ``first`` to ``last`` of a partition. ``bytes`` is its size, compressed."""

    name: str
    first: int
    last: int
    records: int
    bytes: int
    sha256: str


class ArchivedPartition(_Entry):
    """A partition from its first kept offset to ``end``, the offset after the last that is in a file."""

    begin: int
    end: int
    files: list[LogFile] = []

    @property
    def records(self) -> int:
        """How many records its files have."""
        return sum(one.records for one in self.files)

    @property
    def exact(self) -> bool:
        """Whether an empty partition gives each record the offset that it had."""
        return self.begin == 0 and self.records == self.end


class AddedTopic(_Entry):
    """A topic that was made again under the same name, whose records were added behind those of the former ones.

    By partition, ``begins`` are the first offsets that it had, ``starts`` what these are in the files.
    """

    topic_id: str
    begins: dict[int, int]
    starts: dict[int, int]


class ArchivedTopic(_Entry):
    """A topic, by the id that it had, and those that took its name later.

    ``mixed``: they had different numbers of partitions, so one contact's records may be in two partitions.
    """

    topic_id: str
    partitions: dict[int, ArchivedPartition]
    added: list[AddedTopic] = []
    mixed: bool = False

    @property
    def latest_id(self) -> str:
        """The id of the topic whose records come last."""
        return self.added[-1].topic_id if self.added else self.topic_id

    def shift(self, number: int) -> int:
        """By how much offsets of the latest topic's partition are larger in the files."""
        if not self.added:
            return 0
        return self.added[-1].starts.get(number, 0) - self.added[-1].begins.get(number, 0)

    def left(self, number: int, end: int) -> int:
        """How many records the files lack up to this offset of the latest topic's partition."""
        return end + self.shift(number) - self.partitions[number].end

    def first_end(self, number: int) -> int:
        """The offset after the last record of the first topic's partition."""
        return self.added[0].starts.get(number, 0) if self.added else self.partitions[number].end

    def add(self, topic_id: str, begins: Mapping[int, int]) -> None:
        """Have the records of another topic follow in each partition. ``begins`` are the first offsets that it has."""
        self.mixed = self.mixed or begins.keys() != self.partitions.keys()
        for number in begins:
            self.partitions.setdefault(number, ArchivedPartition(begin=0, end=0))
        starts = {number: one.end for number, one in self.partitions.items()}
        self.added.append(AddedTopic(topic_id=topic_id, begins=dict(begins), starts=starts))

    @property
    def records(self) -> int:
        """How many records its files have."""
        return sum(one.records for one in self.partitions.values())

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(one.bytes for each in self.partitions.values() for one in each.files)

    @property
    def files(self) -> int:
        """The number of its files."""
        return sum(len(one.files) for one in self.partitions.values())


class Manifest(_Entry):
    """The topics, by their names without the prefix. It is ``complete`` once an export has come to its end."""

    format: int = FORMAT
    complete: bool = False
    topics: dict[str, ArchivedTopic] = {}


def gaps(manifest: Manifest) -> Iterable[str]:
    """Sentences about files that do not follow each other, or leave their partition."""
    for name, topic in manifest.topics.items():
        for number, partition in topic.partitions.items():
            at = partition.begin
            for file in partition.files:
                if file.first < at or file.last < file.first:
                    yield f"{file.name} does not follow the file before it in partition {number} of {name}."
                at = file.last + 1
            if at > partition.end:
                yield f"The files of partition {number} of {name} go beyond its end."
