"""What a folder of log files has: for each topic its partitions, and for each file its offsets and checksum. Pure."""

from collections.abc import Iterable
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


class ArchivedTopic(_Entry):
    """A topic, by the id that it had."""

    topic_id: str
    partitions: dict[int, ArchivedPartition]

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
