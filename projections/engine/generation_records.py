"""What is known of a generation, and how it is named. `generations` reads and writes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from schemas.topics import CUSTOMER_CHANGES, Topic

FIRST: Final = "g1"
BUILDING, ACTIVE, STANDBY, RETIRED = "building", "active", "standby", "retired"
PAST: Final = "past"  # what people are shown of a complete one that leaves a part of the log out
FED: Final = (BUILDING, ACTIVE, STANDBY)  # workers fold the log into these


class NoGeneration(LookupError):
    """No generation of the read models is active yet: run `onefold migrate`."""


class IncompatibleGeneration(NoGeneration):
    """The active generation was made by code with other tables or folds. The message says what to do."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The read models of generation {name} were made by another version of Onefold. Run `onefold rebuild "
            "--swap`: it folds the log into a new generation, compares the two, and makes the new one active. To begin "
            "with an empty one at once: `onefold migrate --fresh` (where you use `onefold up`: `onefold up --fresh`)."
        )


class NoSuchGeneration(NoGeneration):
    """There is no generation of this name."""


class Generation(NamedTuple):
    """A generation: the schema of its tables, and what the names of its topics end with.

    ``topic_suffix`` is of the topics of its own; ``changes_suffix`` is of the topic of customer changes, which it
    shares with the generations that it took the place of.
    """

    name: str
    topic_suffix: str
    changes_suffix: str
    read_models: frozenset[str] | None = None  # that it is made of; None: of all

    def topic_name(self, topic: Topic, prefix: str) -> str:
        """The name of the generation's topic on the broker."""
        return topic.full_name(prefix, self.changes_suffix if topic == CUSTOMER_CHANGES else self.topic_suffix)


class Horizon(NamedTuple):
    """Which events a generation folds: those that had occurred, and had been received, at these times."""

    as_of: datetime | None = None
    known_at: datetime | None = None


EVERYTHING: Final = Horizon()


class GenerationRecord(NamedTuple):
    """What is known of a generation; the digests are None if it was made by code that kept none.

    ``read_models`` are those that it is made of, None if it is made of all.
    """

    name: str
    topic_suffix: str
    changes_suffix: str
    state: str
    schema_digest: str | None
    created_at: datetime
    activated_at: datetime | None
    as_of: datetime | None
    known_at: datetime | None
    caught_up_at: datetime | None
    compared_at: datetime | None
    read_models: frozenset[str] | None
    model_digests: Mapping[str, str] | None

    @property
    def generation(self) -> Generation:
        """Its schema and topics."""
        return Generation(self.name, self.topic_suffix, self.changes_suffix, self.read_models)

    @property
    def fed(self) -> bool:
        """Whether workers fold the log into it."""
        return self.state in FED

    @property
    def partial(self) -> bool:
        """Whether it leaves out a part of the log by intention, and so never becomes the active one."""
        return self.horizon != EVERYTHING

    @property
    def loading(self) -> bool:
        """Whether it is built from the log by workers of its own, and has not caught up."""
        return self.state == BUILDING and self.caught_up_at is None

    @property
    def shown_state(self) -> str:
        """Its state in the word that people are shown: one that is ``past`` is complete, and still fed as a built one.

        What occurred by its time may be received later.
        """
        return PAST if self.partial and self.state == BUILDING and self.caught_up_at is not None else self.state

    @property
    def horizon(self) -> Horizon:
        """Which events it folds."""
        return Horizon(self.as_of, self.known_at)
