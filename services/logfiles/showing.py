"""What an export or import shows: how many records of how many, and how fast."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import Progress

from services.logfiles.manifest import LogFile, Manifest
from services.runtime.terminal import say, show

_LINE_EVERY: Final = 5.0  # seconds


class Counter:
    """Counts records: a bar in a terminal, otherwise a line every few seconds."""

    def __init__(self, verb: str, bars: Progress | None) -> None:
        self._verb, self._bars = verb, bars
        self._done, self._began = 0, time.monotonic()
        self._shown = self._began
        self._task = bars.add_task(verb, total=None) if bars else None
        self.files = 0

    def records(self, done: int, total: int) -> None:
        """So many more are done, of so many in all."""
        self._done += done
        if self._bars and self._task is not None:
            self._bars.update(self._task, completed=self._done, total=total, description=self._text(total))
        elif time.monotonic() - self._shown >= _LINE_EVERY:
            self._shown = time.monotonic()
            say(self._text(total))

    def file(self, _file: LogFile) -> None:
        """One more file was checked."""
        self.files += 1

    @property
    def rate(self) -> float:
        """Records a second."""
        return self._done / max(time.monotonic() - self._began, 0.001)

    def _text(self, total: int) -> str:
        return f"{self._verb} {self._done:,} of {total:,} records, {self.rate:,.0f} a second"


@contextmanager
def counting(verb: str, console: Console) -> Iterator[Counter]:
    """A counter that is shown until the block ends."""
    if not console.is_terminal:
        yield Counter(verb, None)
        return
    with Progress(console=console) as bars:
        yield Counter(verb, bars)


def show_topics(manifest: Manifest) -> None:
    """Print a table of what the folder has."""
    rows = (
        (
            name,
            str(len(topic.partitions)),
            f"{topic.records:,}",
            str(topic.files),
            f"{topic.bytes:,}",
            "yes" if all(one.exact for one in topic.partitions.values()) else "NO",
        )
        for name, topic in manifest.topics.items()
    )
    show(("topic", "partitions", "records", "files", "bytes", "from the beginning"), rows)
