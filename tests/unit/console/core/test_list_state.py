"""What the address of a list says of its order."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from services.console.core.list_state import ListState
from services.console.http.visits import SentFields


@pytest.mark.parametrize("by", ["name", "last_customer", "first_seen"])
@pytest.mark.parametrize("descending", [True, False])
def test_an_address_keeps_the_order(by: str, *, descending: bool) -> None:
    state = ListState.read(SentFields([("sort", by)])).having(descending=descending)
    assert ListState.read(SentFields(parse_qsl(urlsplit(state.url()).query))) == state


def test_names_begin_with_the_first_and_times_with_the_latest() -> None:
    assert not ListState.read(SentFields([("sort", "name")])).descending
    assert ListState.read(SentFields([("sort", "first_seen")])).descending
