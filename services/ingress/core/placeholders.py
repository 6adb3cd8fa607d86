"""What programs write in place of an id that they do not have.

Besides what a policy's block list names: its words in other characters (full-width, with invisible ones), between
quotes or several times; the names of ids; and templates that were never filled in. Such an id would make one member, or
one browser, of many visitors.
"""

import re
import unicodedata
from typing import Final

from projections.identity.resolution.links import MEMBER_ID
from projections.identity.resolution.policy import Policy
from projections.identity.resolution.set_aside import detail_of
from projections.identity.resolution.values import Normalised, normalise
from services.ingress.core.stated_values import ValueWarning

_DEFAULT: Final = Policy()
_QUOTES: Final = "\"'`“”«»"
_INVISIBLE: Final = "Cf"
_NO_ID: Final = re.compile(
    r"(?:user|anonymous|member|customer|visitor|previous|distinct|external)[ _-]?id"
    r"|\{\{.*\}\}|\$\{.*\}|<%.*%>|%%.*%%|%[sd]|\{[a-z_.]+\}|<[a-z_. ]+>"
    r"|optional\((?:nil|null|)\)|\(?not[ _-]?set\)?|(?:not[ _-]?logged[ _-]?in|logged[ _-]?out)"
    r"|(?:null|undefined|none|nan)(?:[ ,:/|_-]+(?:null|undefined|none|nan))+"
    r"|[0.]+|-?infinity|#n/?a|\?+|f{8}-f{4}-f{4}-f{4}-f{12}|匿名|游客|遊客|未知",
    re.IGNORECASE | re.DOTALL,
)


def is_placeholder(browser_id: str) -> bool:
    """Whether a browser's id is none, by the default block list."""
    return _warning(browser_id, _DEFAULT) is not None


def no_member(user_id: str, policy: Policy) -> ValueWarning | None:
    """The warning of a user id that is none under the tenant's policy."""
    return _warning(user_id, policy)


def _warning(given: str, policy: Policy) -> ValueWarning | None:
    plain = _plain(given)
    for text in dict.fromkeys((given, plain)):
        reason = normalise(MEMBER_ID, text, policy)
        if not isinstance(reason, Normalised):
            return ValueWarning(None, MEMBER_ID, given, reason, detail_of(MEMBER_ID, text, reason, policy))
    if _NO_ID.fullmatch(plain):
        return ValueWarning(None, MEMBER_ID, given, "blocked", f"the member id {plain} is a placeholder")
    return None


def _plain(text: str) -> str:
    """The text in usual characters, without invisible ones, and without the quotes and blanks around it."""
    if text.isascii():
        return text.strip(_QUOTES + " ")
    usual = unicodedata.normalize("NFKC", text)
    return "".join(one for one in usual if unicodedata.category(one) != _INVISIBLE).strip(_QUOTES + " ")
