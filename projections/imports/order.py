"""What is imported: of whom the rows are, how the file is written, and what its columns mean."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from schemas.events.base import Account, ChannelName, Frozen

ImportKind = Literal["customers", "contacts"]
EncodingName = Literal["utf-8", "utf-16", "cp950", "big5hkscs", "gbk", "shift_jis"]
Delimiter = Literal[",", ";", "\t"]
TagMode = Literal["add", "replace"]
# A field of a row; a custom attribute is `attribute:` and its key.
FIELDS: Final = (
    "member_id",
    "uid",
    "contact",
    "name",
    "phone",
    "email",
    "tags",
    "staff",
    "branch",
    "channel",
    "account",
)
ATTRIBUTE: Final = "attribute:"
IGNORED: Final = "ignore"
FieldName = Annotated[str, Field(pattern=rf"^(?:{'|'.join((*FIELDS, IGNORED))}|{ATTRIBUTE}[A-Za-z0-9_]{{1,100}})$")]
CRM: Final = "crm"


class ImportOrder(Frozen):
    """Whose rows a file has, and how to read it.

    Rows of customers are named by member ids. Rows of contacts are named by the user ids of one account of a channel.
    """

    kind: ImportKind
    channel: Annotated[ChannelName | None, Field(description="of rows of contacts")] = None
    account: Annotated[Account, Field(description="of the channel; of customers, the CRM's name")] = CRM
    mapping: dict[str, FieldName] = Field(
        default_factory=dict, max_length=600, description="fields by the titles of columns, before what is guessed"
    )
    encoding: Annotated[EncodingName | None, Field(description="left out: UTF-8, or else cp950")] = None
    delimiter: Annotated[Delimiter | None, Field(description="left out: the one that the first line has most of")] = (
        None
    )
    tags: Annotated[TagMode, Field(description="`replace` also takes off the tags that a row does not have")] = "add"

    @field_validator("account", "mapping")
    @classmethod
    def can_be_stored(cls, given: str | dict[str, str]) -> str | dict[str, str]:
        """PostgreSQL stores no NUL character."""
        if "\0" in "".join(given):
            raise ValueError("a NUL character can't be stored")
        return given

    @model_validator(mode="after")
    def contacts_have_a_channel(self) -> Self:
        """Contacts are those of one account of a channel, which is named."""
        if (self.kind == "contacts") != (self.channel is not None):
            raise ValueError("rows of contacts, and only these, are of a channel")
        if self.channel == CRM:
            raise ValueError("members of a CRM are imported as customers")
        return self

    @property
    def place(self) -> tuple[str, str]:
        """The channel and the account of the contacts that the events are about."""
        return self.channel or CRM, self.account
