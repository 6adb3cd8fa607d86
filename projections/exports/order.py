"""What is exported: which customers, in which rows and columns, and how it is written."""

from typing import Annotated, Final, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, model_validator

from projections.customers.search.filters import Filter
from schemas.events.base import ChannelName, Frozen
from schemas.events.profile import AttributeKey

RowUnit = Literal["customers", "contacts"]
Format = Literal["csv", "xlsx"]
ColumnName = Literal[
    "customer_id", "contact", "channel", "account", "line_uid", "facebook_psid", "instagram_igsid", "whatsapp_number",
    "whatsapp_bsuid", "member_id", "name", "phone", "email", "channels", "tags", "subscription", "subscribed_at",
    "valid", "over_quota", "opted_out", "staff", "branch", "first_seen_at", "last_customer_at", "last_team_at",
    "last_marketing_at",
]  # fmt: skip
OF_CONTACTS: Final[frozenset[ColumnName]] = frozenset({"contact", "channel", "account"})
_DEFAULT: Final[tuple[ColumnName, ...]] = (
    "line_uid", "facebook_psid", "instagram_igsid", "whatsapp_number", "whatsapp_bsuid", "member_id", "name", "phone",
    "email", "channels", "tags", "subscription", "subscribed_at", "last_customer_at", "last_team_at",
    "last_marketing_at",
)  # fmt: skip
MOST_ATTRIBUTES: Final = 500
EXCEL_ROWS: Final = 1_048_576  # of a sheet, its header included


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("a time zone has a name such as Asia/Taipei")
    return name


class ExportOrder(Frozen):
    """What is exported, and how.

    In a row of a contact, its name, times, tags, attributes, staff and subscription are its own; what identifies the
    person is the customer's.
    """

    filter: Filter
    rows: Annotated[RowUnit, Field(description="one row a customer, or one for each of its contacts")] = "customers"
    channels: Annotated[
        list[ChannelName] | None,
        Field(min_length=1, max_length=6, description="of rows of contacts: only those on these channels"),
    ] = None
    columns: Annotated[
        list[ColumnName],
        Field(
            default_factory=lambda: list(_DEFAULT),
            min_length=1,
            max_length=40,
            description="in the order of the file; `contact`, `channel` and `account` are for rows of contacts",
        ),
    ]
    attributes: Annotated[
        list[AttributeKey] | Literal["all"],
        Field(
            default_factory=list,
            max_length=MOST_ATTRIBUTES,
            description="one column each, after the others, under its key",
        ),
    ]
    format: Format = "csv"
    bom: Annotated[
        bool, Field(description="begin a CSV file with a byte order mark, by which Excel knows that it is UTF-8")
    ] = False
    header: Annotated[
        Literal["en", "zh-Hant", "names"],
        Field(description="the columns' titles; `names` are the names that this request uses"),
    ] = "names"
    zone: Annotated[
        Annotated[str, Field(max_length=64), AfterValidator(_known_zone)] | None,
        Field(
            description="the zone of the times, which are then written `2026-03-01 08:00:00`; without it they are "
            "`2026-03-01T00:00:00.000Z`",
            examples=["Asia/Taipei"],
        ),
    ] = None

    @model_validator(mode="after")
    def _columns_fit_rows(self) -> Self:
        if self.rows == "customers" and (wrong := OF_CONTACTS.intersection(self.columns)):
            raise ValueError(f"{', '.join(sorted(wrong))}: only in rows of contacts")
        if self.rows == "customers" and self.channels is not None:
            raise ValueError("channels: only with rows of contacts")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: each once")
        return self
