"""Parses Meta's requests to delete a person's data, and renders the page that shows their state."""

from dataclasses import dataclass
from html import escape
from typing import Any, Final

from services.ingress.core.normalize import word
from services.ingress.core.times import millis_of


@dataclass(frozen=True, slots=True)
class Asker:
    """The person who asks, by the id that Meta's app has for the person, and the time (``""``: not given)."""

    subject: str
    issued_at: str
    occurred_at: int


def asker_in(request: dict[str, Any], received_at: int) -> Asker | None:
    """Who asks in a signed request; None if nobody does."""
    subject = word(request.get("user_id"))
    if subject is None:
        return None
    issued_at = request.get("issued_at")
    millis = millis_of(issued_at)
    return Asker(subject, word(issued_at) or "", received_at if millis is None else min(millis, received_at))


_TITLE: Final = ("資料刪除要求", "Data deletion request")
_SENTENCES: Final = {
    "received": (
        "我們已收到您的要求，正在處理。完成後，此頁面會顯示結果。",
        "We have received your request and are working on it. This page will show the outcome.",
    ),
    "done": ("您的資料已刪除。", "Your data have been deleted."),
    "refused": (
        "您的要求未能執行，或僅部分執行，原因如下：",
        "Your request was not carried out, or only in part, for this reason:",
    ),
}
_STYLE: Final = "body{font-family:sans-serif;max-width:40em;margin:3em auto;padding:0 1em;line-height:1.6}"


def status_page(code: str, state: str, reason: str | None) -> str:
    """The page, in Chinese and English. It shows nothing of the person: whoever has the code may not be the person."""
    sections = "".join(
        f'<section lang="{language}"><h1>{title}</h1><p>{sentence}</p>{_quoted(reason)}</section>'
        for language, title, sentence in zip(("zh-Hant-TW", "en"), _TITLE, _SENTENCES[state], strict=True)
    )
    return (
        '<!doctype html><html lang="zh-Hant-TW"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{' · '.join(_TITLE)}</title><style>{_STYLE}</style></head>"
        f"<body>{sections}<p>{escape(code)}</p></body></html>"
    )


def _quoted(reason: str | None) -> str:
    return f"<blockquote>{escape(reason)}</blockquote>" if reason else ""
