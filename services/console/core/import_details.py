"""Why rows of a file, or all of it, can't be imported, in the reader's language (pure).

The details are English sentences of the import; their values are kept. One that is not known here stays as it is.
"""

import re
from typing import Final

from services.console.core.condition_forms import Say
from services.console.core.import_views import field_name
from services.console.core.known_details import Detail, DetailPattern, in_words

_FIELDS: Final = "phone|email|member_id|uid|contact|name|tags|staff|branch|channel|account"
_BEGINS: Final = re.compile(rf"\A({_FIELDS})(?= (is|has) )")


def row_detail(detail: str, say: Say) -> Detail:
    """Why a row is refused, or warned of."""
    known = [*_texts(say), *_values(say), *_contacts(say)]
    return in_words(detail, _BEGINS.sub(lambda found: field_name(found[0], say), detail, count=1), known)


def file_detail(detail: str, say: Say) -> Detail:
    """Why a file can't be imported at all."""
    return in_words(detail, detail, [*_files(say), *_columns(say)])


def _texts(say: Say) -> list[DetailPattern]:
    return [
        (
            r"the row has more than (?P<most>\d+) characters, or (?P<cells>\d+) cells",
            say("The row has more than %(most)s characters, or %(cells)s cells."),
        ),
        (
            r"a quoted cell is not closed, or goes on after its end",
            say("A cell in quotation marks is not closed, or goes on after its end."),
        ),
        (r"the row has more cells than there are columns", say("The row has more cells than there are columns.")),
        (
            r"(?P<field>.+) has more than (?P<most>\d+) characters",
            say("%(field)s: more than %(most)s characters."),
        ),
        (
            r"(?P<field>.+) has characters that can't be kept",
            say("%(field)s: it has characters that can't be kept."),
        ),
        (
            r"a row has at most (?P<most>\d+) tags, each of at most (?P<characters>\d+) characters",
            say("A row has at most %(most)s tags, each of at most %(characters)s characters."),
        ),
    ]


def _values(say: Say) -> list[DetailPattern]:
    return [
        (
            r"(?P<field>.+) is a number of more than 15 digits, of which Excel keeps 15",
            say("%(field)s: a number of more than 15 digits, of which Excel keeps 15. Keep it as text."),
        ),
        (r"a number is beyond what can be kept", say("A number is larger than what can be kept.")),
        (
            r"(?P<key>.+) is defined as (?P<type>\w+), and the cell is none",
            say("%(key)s is defined as %(type)s, and the cell is not."),
        ),
        (
            r"the phone can't be read as one, or is on the blocklist",
            say("The phone can't be read as one, or the rules say that it belongs to nobody."),
        ),
        (
            r"the email can't be read as one, or is on the blocklist",
            say("The e-mail address can't be read as one, or the rules say that it belongs to nobody."),
        ),
        (
            r"a member id is a number in the workbook: zeros that it began with are lost",
            say("The member ID is a number in the workbook: zeros that it began with are lost. Keep it as text."),
        ),
        (
            r"an earlier row of the file is of the same one; keep one row for each",
            say("An earlier row of the file is of the same one. Keep one row for each."),
        ),
    ]


def _contacts(say: Say) -> list[DetailPattern]:
    return [
        (r"the row has no member id", say("The row has no member ID.")),
        (r"a contact is written as channel:account:uid", say("A contact is written as channel:account:uid.")),
        (
            r"the row names several contacts; a row of contacts is of one",
            say("The row names several contacts. It can be of one only."),
        ),
        (
            r"the row has no user id of (?P<channel>\w+); rows of another channel need an import of their own",
            say("The row has no user ID of %(channel)s. Rows of another channel need an import of their own."),
        ),
        (
            r"the row is of (?P<other>.+), and this import of (?P<this>.+): import the refused rows again with .+",
            say(
                "The row is of %(other)s, and this import of %(this)s. Import the refused rows again for that account."
            ),
        ),
        (
            r"the member of staff and the branch go together: both, or neither",
            say("The member of staff and the branch go together: both, or neither."),
        ),
    ]


def _columns(say: Say) -> list[DetailPattern]:
    return [
        (
            r"no column has the member id: name it in the mapping, as member_id",
            say("No column has the member ID. Say below which one is taken for it."),
        ),
        (
            r"no column has the user ids of the channel: name it in the mapping, as uid",
            say("No column has the user IDs of the channel. Say below which one is taken for them."),
        ),
        (
            r"the member of staff and the branch go together: both columns, or neither",
            say("The member of staff and the branch go together: both columns, or neither."),
        ),
        (
            r"members of staff look after contacts of a channel, not after members of a CRM",
            say("Members of staff look after contacts of a channel, not after members of a CRM."),
        ),
        (
            r"several columns are (?P<field>\S+): (?P<names>.+)\. Map the others to \S+",
            say("Several columns are taken for %(field)s: %(names)s. Leave out the others."),
        ),
        (
            r"the mapping names columns that the file does not have: (?P<names>.+)",
            say("These columns are not in the file: %(names)s"),
        ),
    ]


def _files(say: Say) -> list[DetailPattern]:
    return [
        (r"the file is empty", say("The file is empty.")),
        (
            r"line (?P<line>\d+) should have the columns' titles: .+",
            say("Line %(line)s should have the titles of the columns, and can't be read."),
        ),
        (
            r"line (?P<line>\d+), byte (?P<byte>\d+) is not (?P<name>\S+)",
            say("Line %(line)s, byte %(byte)s is not %(name)s."),
        ),
        (
            r"It is neither UTF-8 \((?:line (?P<line>\d+), byte (?P<byte>\d+) is not utf-8|.*)\) nor, .+",
            say("It is neither UTF-8 nor Big5 as a whole. Save it as UTF-8, or choose its encoding below."),
        ),
        (
            r"it has NUL characters, so it is no text in (?P<name>\S+)",
            say("It has NUL characters, so it is no text in %(name)s."),
        ),
        (
            r"it is no workbook of Excel that can be read \(.+\)",
            say("It is no workbook of Excel that can be read."),
        ),
        (
            r"row (?P<line>\d+) of the sheet can't be read \(.+\)",
            say("Row %(line)s of the sheet can't be read."),
        ),
        (
            r"the workbook unpacks to too much; save it as CSV, or in several files",
            say("The workbook unpacks to too much. Save it as CSV, or in several files."),
        ),
    ]
