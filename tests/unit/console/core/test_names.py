"""What the console calls codes of the read models."""

from typing import get_args

import pytest

from projections.identity.resolution.links import Refusal, SetAsideReason
from schemas.events.identity import Via
from schemas.events.subscription import MARKETING_KINDS
from services.console.core.names import MOST_OF_A_VALUE, Names, short

NAMES = Names(lambda sentence: f"<{sentence}>")


@pytest.mark.parametrize("reason", [*get_args(Refusal), *get_args(SetAsideReason)])
def test_each_reason_is_given_in_words(reason: str) -> None:
    assert NAMES.reason(reason).startswith("<")


@pytest.mark.parametrize("kind", sorted(MARKETING_KINDS))
def test_each_kind_of_marketing_has_a_name(kind: str) -> None:
    assert NAMES.kind(kind).startswith("<")


@pytest.mark.parametrize("via", get_args(Via))
def test_each_way_of_binding_has_a_name(via: str) -> None:
    assert NAMES.way(via) == "API" or NAMES.way(via).startswith("<")


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert (NAMES.reason("new_reason"), NAMES.identifier("x_card")) == ("new_reason", "x_card")


@pytest.mark.parametrize("length", [0, 1, MOST_OF_A_VALUE, MOST_OF_A_VALUE + 1, 5000])
def test_a_long_value_is_cut_in_its_middle(length: int) -> None:
    assert len(short("x" * length)) == min(length, MOST_OF_A_VALUE)


def test_what_put_a_tag_there_is_said_in_words_and_an_unknown_source_as_it_is() -> None:
    assert NAMES.tag_source("line_rich_menu") == "<LINE rich menu>"
    assert (NAMES.tag_source("till-4"), NAMES.tag_source(None)) == ("till-4", "")
