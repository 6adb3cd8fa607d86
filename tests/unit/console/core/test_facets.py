"""Values of an attribute beside a list, as a page names them."""

from services.console.core.list_views import attribute_facet
from services.query.core.search_models import Facet, FacetValue

VALUES = ("12800", "0.5", "-3", "1e22", "true")  # as many as are shown


def names_of(facet: Facet, *, number: bool) -> list[str]:
    shown = attribute_facet(facet, lambda sentence: sentence, (lambda value: f"<{value}>") if number else None)
    return [one.text for one in shown.choices]


def test_numbers_are_written_as_such_and_what_is_none_stays_as_it_is() -> None:
    facet = Facet(facet="spent", values=[FacetValue(value=one, customers=2) for one in VALUES], more=False)
    assert names_of(facet, number=True) == ["<12800>", "<0.5>", "<-3>", "1e22", "true"]
    assert names_of(facet, number=False) == ["12800", "0.5", "-3", "1e22", "yes"]
