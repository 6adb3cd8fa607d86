"""English sentences of other parts of Onefold in the reader's language (pure).

A sentence that is not known here stays as it is.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

DetailPattern = tuple[str, str]  # a regular expression, and the sentence that its groups stand in


class Detail(NamedTuple):
    """A sentence, and whether it is still in English."""

    text: str
    english: bool


def in_words(detail: str, text: str, known: Iterable[DetailPattern]) -> Detail:
    """``text`` by the first pattern that is all of it; ``detail`` itself where there is none."""
    for pattern, sentence in known:
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return Detail(sentence % found.groupdict(), english=False)
    return Detail(detail, english=True)
