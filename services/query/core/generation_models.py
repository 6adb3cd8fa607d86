"""The shapes of generations: which builds of the read models there are, and how far each is in the log."""

from typing import Annotated, Literal

from pydantic import Field

from services.query.core.models import Shape, Timestamp


class PartitionView(Shape):
    """A partition of the log: how many records were folded, and how many it has (null while Kafka is away)."""

    partition: int
    folded: int
    records: int | None


class GenerationView(Shape):
    """One build of all read models.

    Readers read the one that is active. Workers fold the log into that one, and into each that is building, past or
    standby.
    """

    name: Annotated[str, Field(examples=["g2"])]
    state: Annotated[
        Literal["building", "past", "active", "standby", "retired"],
        Field(description="past: complete, of a time in the past; it never becomes the active one"),
    ]
    readable: Annotated[bool, Field(description="whether this version of Onefold can read and feed it")]
    created_at: Timestamp
    activated_at: Timestamp | None
    caught_up_at: Timestamp | None
    compared_at: Annotated[Timestamp | None, Field(description="when it was found equal to the active one")]
    as_of: Annotated[Timestamp | None, Field(description="events that occurred later are left out")]
    known_at: Annotated[Timestamp | None, Field(description="events that were received later are left out")]
    read_models: Annotated[list[str] | None, Field(description="those that it is made of; null: all of them")]
    pace: Annotated[
        float | None,
        Field(
            description="the share of the time that each worker of its rebuild works; below 1 the rebuild gives way to "
            "the service; null while no rebuild runs",
            examples=[0.25],
        ),
    ]
    left_out: Annotated[
        int | None,
        Field(
            description="customers that the latest comparison left out: their rows differ, and the active generation "
            "had still to make them of the latest changes; null if it was not compared",
            examples=[0],
        ),
    ]
    changes_topic: Annotated[
        str | None,
        Field(description="null for one of the past, which announces nothing", examples=["onefold.customer-changes"]),
    ]
    folded: Annotated[int, Field(description="records of the log that were folded")]
    records: Annotated[int | None, Field(description="records of the log; null while Kafka is away")]
    partitions: list[PartitionView]


class GenerationList(Shape):
    """Every generation, the oldest first."""

    generations: list[GenerationView]


class LagView(Shape):
    """How far each agent of the active generation is behind."""

    contacts: Annotated[int | None, Field(description="records of the log; null while Kafka is away")]
    identity: Annotated[int | None, Field(description="records of evidence; null while Kafka is away")]
    customer_rows: Annotated[int, Field(description="chunks whose changes are not in customer rows yet")]
    customer_rows_seconds: Annotated[float, Field(description="age of the oldest of them")]
    changes: Annotated[int, Field(description="customer changes that are not in Kafka yet, 100,000 at most")]
    changes_seconds: Annotated[float, Field(description="age of the oldest of them")]
