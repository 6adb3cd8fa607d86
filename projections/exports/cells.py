"""Texts as cells of a table that a spreadsheet may open: none is run as a formula, and each can be read back (pure).

A text that a spreadsheet could take for a formula gets an apostrophe in front. So does one that already consists of
apostrophes and such a text; so an apostrophe before such a text always is one too many, and a reader drops it.
Several texts in one cell are separated by semicolons; a semicolon or a backslash within one has a backslash in front.
"""

import re
from collections.abc import Iterable
from typing import Final

_APOSTROPHE: Final = "'"
# After apostrophes, spaces and characters without width: what begins a formula, in its wide and small forms as well, or
# a tab or the end of a line, behind which some spreadsheets look for one. Python and PostgreSQL read the expression
# alike (`cell_expressions`).
_BEFORE: Final = r"['\u0001-\u0020\u007f-\u00a0\u00ad\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]*"
_BEGINNINGS: Final = r"[=+\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b]"
RUNNABLE: Final = rf"({_BEFORE}{_BEGINNINGS}|[' ]*[\t\r\n])"
_RUNNABLE: Final = re.compile(RUNNABLE)
_SEPARATOR: Final = ";"
_ESCAPE: Final = "\\"
_ESCAPED: Final = re.compile(r"[\\;]")
_PARTS: Final = re.compile(r"((?:[^\\;]|\\.)*)(?:;|$)", re.DOTALL)
_ESCAPES: Final = re.compile(r"\\(.)", re.DOTALL)


def neutral(text: str) -> str:
    """The text as a cell that no spreadsheet runs; most texts are that already."""
    if text[:1].isalnum():  # most are, and nothing that begins so is run
        return text
    return _APOSTROPHE + text if _RUNNABLE.match(text) else text


def restored(cell: str) -> str:
    """The text of which `neutral` made the cell."""
    return cell[1:] if cell.startswith(_APOSTROPHE) and _RUNNABLE.match(cell, 1) else cell


def joined(texts: Iterable[str]) -> str:
    """Texts, none of which is empty, as one."""
    return _SEPARATOR.join(map(_escaped, texts))


def _escaped(text: str) -> str:
    if _SEPARATOR in text or _ESCAPE in text:
        return _ESCAPED.sub(r"\\\g<0>", text)
    return text


def split(text: str) -> list[str]:
    """The texts of which `joined` made one."""
    if not text:
        return []
    found = [one.group(1) for one in _PARTS.finditer(text + _SEPARATOR) if one.end() > one.start()]
    return [_ESCAPES.sub(r"\1", one) for one in found]
