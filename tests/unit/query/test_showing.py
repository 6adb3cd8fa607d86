"""Tables of customers fit the terminal: whole values, as many columns as there is room for, wide characters too."""

from io import StringIO
from itertools import pairwise
from uuid import UUID

import pytest
from rich.cells import cell_len
from rich.console import Console

from services.query.core.models import CustomerBinding, CustomerView
from services.query.core.search_models import AccountOfCustomer, FoundCustomer
from services.query.showing import show_customer, show_customers
from tests.support.strategies import BASE_MS

NAMES = ("林小美", "阿里山高山烏龍茶愛好者俱樂部會長", "Mei \x1b[2J Lin", None)


def customer(number: int, name: str | None) -> FoundCustomer:
    return FoundCustomer(
        id=UUID(int=number),
        member_id=f"M-{number:05}",
        phone=f"+88691111{number:04}",
        email=f"someone.{number}@example.tw",
        name=name,
        valid=True,
        contacts=2,
        conflicts=0,
        first_seen_at=BASE_MS,
        last_customer_interaction_at=BASE_MS,
        last_team_interaction_at=None,
        valid_since=None,
        last_marketing_at=None,
        tags=[],
        attributes={},
        accounts=[AccountOfCustomer(account="line:oa-taipei", valid=True)],
    )


def shown(width: int, *, terminal: bool = True) -> list[str]:
    file = StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None)
    show_customers(console, [customer(number, name) for number, name in enumerate(NAMES)])
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_lines_fit_and_ids_are_whole(width: int) -> None:
    lines = shown(width)
    assert max(map(cell_len, lines)) <= width
    assert all(str(UUID(int=number)) in "\n".join(lines) for number in range(len(NAMES)))
    assert len(lines) == len(NAMES) + 1
    assert "\x1b" not in "".join(lines)


def test_more_room_shows_more_and_a_pipe_everything() -> None:
    titles = [{one.strip() for one in shown(width)[0].split("  ")} - {""} for width in (60, 80, 120, 200)]
    assert all(fewer <= more for fewer, more in pairwise(titles))
    assert {"customer", "name", "member id"} <= titles[1]
    piped = shown(60, terminal=False)
    assert NAMES[1] in piped[2]
    assert "line:oa-taipei" in piped[1]


def test_a_customer_is_shown_with_each_way_in_which_it_is_bound() -> None:
    binding = CustomerBinding(via="site_button", at=BASE_MS, event_id="line:1", origin="line:oa-taipei:U1")
    one = CustomerView(
        id=UUID(int=1),
        member_id=None,
        member_ids=[],
        phone=None,
        email=None,
        name=None,
        names=[],
        valid=False,
        last_customer_interaction_at=None,
        last_team_interaction_at=None,
        last_marketing_at=None,
        first_seen_at=BASE_MS,
        social_bindings=[binding],
        tags=[],
        attributes={},
        contacts=[],
    )
    file = StringIO()
    show_customer(Console(file=file, width=100, color_system=None), one)
    assert "site_button" in file.getvalue()
    assert "line:oa-taipei:U1" in file.getvalue()
