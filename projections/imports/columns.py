"""What the columns of a file mean: guessed from their titles in English and Chinese, unless that is said (pure)."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from projections.exports.cells import restored
from projections.exports.headings import CHINESE, ENGLISH
from projections.exports.order import ColumnName
from projections.imports.errors import WrongColumns
from projections.imports.order import ATTRIBUTE, IGNORED, ImportOrder

_NOT_COMPARED: Final = re.compile(r"[\W_]+")
_KEY: Final = re.compile(r"[A-Za-z0-9_]{1,100}")
_TITLES: Final[dict[str, tuple[str, ...]]] = {
    "member_id": (
        *("member id", "member no", "member number", "member code", "membership id", "crm id"),
        *("會員 id", "會員編號", "會員代碼", "會員號碼", "會員卡號", "会员 id", "会员编号"),
    ),
    "uid": (
        *("user id", "uid", "channel user id", "platform user id", "contact id"),
        *("使用者 id", "用戶 id", "用户 id", "渠道 user id", "渠道用戶 id", "平台用戶 id", "社群 id"),
    ),
    "name": (
        *("name", "full name", "display name", "customer name", "user name"),
        *("姓名", "名稱", "名字", "顧客姓名", "顧客名稱", "會員姓名", "客戶姓名", "顯示名稱", "暱稱", "名称"),
    ),
    "phone": (
        *("phone", "phone number", "mobile", "mobile phone", "mobile number", "telephone", "tel", "cell phone"),
        *("電話", "電話號碼", "手機", "手機號碼", "行動電話", "聯絡電話", "手机", "手机号", "手机号码", "电话"),
    ),
    "email": (
        *("email", "e-mail", "email address", "mail"),
        *("電郵", "電子郵件", "電子信箱", "信箱", "郵箱", "电子邮件", "邮箱", "電郵地址"),
    ),
    "tags": ("tag", "tags", "label", "labels", "標籤", "标签"),
    "staff": ("binding teammate", "綁定成員", "teammate", "binding staff"),
    "branch": ("store location code", "綁定分店", "store code", "branch"),
}
_UID_COLUMNS: Final[dict[str, tuple[ColumnName, ...]]] = {
    "line": ("line_uid",),
    "facebook": ("facebook_psid",),
    "instagram": ("instagram_igsid",),
    "whatsapp": ("whatsapp_number", "whatsapp_bsuid"),
}
# Columns of our own exports that say what an import can state, under the name of the field.
_EXPORTED: Final[dict[ColumnName, str]] = {
    one: one
    for one in ("contact", "member_id", "name", "phone", "email", "tags", "staff", "branch", "channel", "account")
}


class ColumnMapping(NamedTuple):
    """The field of each column, by position; ``guessed`` are the positions at which nobody said it.

    Two columns may be the user id of a WhatsApp contact: its number, or its BSUID.
    """

    fields: tuple[str, ...]
    guessed: tuple[int, ...]


def columns_of(header: Iterable[str], order: ImportOrder, attributes: Iterable[tuple[str, str]] = ()) -> ColumnMapping:
    """What each column means. ``attributes`` are names of custom attributes with their keys. Raises WrongColumns."""
    titles = [restored(one) for one in header]
    known = {_compared(name): f"{ATTRIBUTE}{key}" for name, key in attributes} | _known(order)
    fields = [_guess(title, known) for title in titles]
    try:
        stated = _stated(titles, order.mapping)
        fields = [stated.get(number) or field for number, field in enumerate(fields)]
        _check(titles, fields, order)
    except WrongColumns as error:
        error.columns = tuple(zip(titles, fields, strict=True))
        raise
    return ColumnMapping(tuple(fields), tuple(number for number in range(len(fields)) if number not in stated))


def _stated(titles: list[str], mapping: Mapping[str, str]) -> dict[int, str]:
    places = {title: number for number, title in reversed(list(enumerate(titles)))}
    if missing := [title for title in mapping if title not in places]:
        raise WrongColumns(f"the mapping names columns that the file does not have: {', '.join(missing[:5])}")
    return {places[title]: field for title, field in mapping.items()}


def _known(order: ImportOrder) -> dict[str, str]:
    """The fields by the titles that mean them, as they are compared; what exports have besides is ignored."""
    exported = {_compared(title): _EXPORTED.get(name, IGNORED) for name, title in _own_titles()}
    usual = {_compared(title): field for field, titles in _TITLES.items() for title in titles}
    uids = {
        _compared(title): "uid" for name, title in _own_titles() if name in _UID_COLUMNS.get(order.channel or "", ())
    }
    known = exported | usual | uids
    if order.kind == "customers":
        known = {title: IGNORED if field in _OF_CONTACTS else field for title, field in known.items()}
    return known


_OF_CONTACTS: Final = frozenset({"uid", "contact", "staff", "branch", "channel", "account"})


def _own_titles() -> Iterable[tuple[ColumnName, str]]:
    for titles in (ENGLISH, CHINESE):
        yield from titles.items()
    yield from ((name, name) for name in ENGLISH)


def _compared(title: str) -> str:
    return _NOT_COMPARED.sub("", unicodedata.normalize("NFKC", title[:200]).casefold())


def _guess(title: str, known: Mapping[str, str]) -> str:
    field = known.get(_compared(title))
    if field is not None:
        return field
    return f"{ATTRIBUTE}{title}" if _KEY.fullmatch(title) else IGNORED


def _check(titles: list[str], fields: list[str], order: ImportOrder) -> None:
    if order.kind == "customers" and "member_id" not in fields:
        raise WrongColumns("no column has the member id: name it in the mapping, as member_id")
    if order.kind == "contacts" and not {"uid", "contact"} & set(fields):
        raise WrongColumns("no column has the user ids of the channel: name it in the mapping, as uid")
    if ("staff" in fields) != ("branch" in fields):
        raise WrongColumns("the member of staff and the branch go together: both columns, or neither")
    if order.kind == "customers" and {"staff", "branch"} & set(fields):
        raise WrongColumns("members of staff look after contacts of a channel, not after members of a CRM")
    single = Counter(field for field in fields if field not in {IGNORED, "uid", "tags"})
    if twice := [field for field, count in single.items() if count > 1]:
        names = [title for title, field in zip(titles, fields, strict=True) if field == twice[0]]
        raise WrongColumns(f"several columns are {twice[0]}: {', '.join(names[:5])}. Map the others to {IGNORED}")
