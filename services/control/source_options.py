"""A source's options, stored as JSON so that a later release can add to them."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from schemas.events.conversation import Purpose

_MOST_SENDERS: Final = 100
MOST_RATE: Final = 1_000_000.0
Storable = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]+$")]
Rate = Annotated[float, Field(gt=0, le=MOST_RATE)]
SignedLogins = Literal["optional", "required"]


class SourceOptions(BaseModel):
    """A source's options. An option that only a later release knows is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: Storable | None = Field(None, description="Its name for people.")
    senders: dict[Storable, Purpose] = Field(
        default_factory=dict,
        max_length=_MOST_SENDERS,
        description="Meta: the ids of the apps that send for the brand, and what each one sends.",
    )
    rate: Rate | None = Field(None, description="Most requests a second, in one process, in place of the setting's.")
    signed_logins: SignedLogins = Field(
        "optional", description="A website: whether a login that comes with a public write key has to be signed."
    )
