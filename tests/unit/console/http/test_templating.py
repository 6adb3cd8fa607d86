"""What the console's templates do otherwise than Jinja2 would: it must not be seen in a page."""

from types import SimpleNamespace
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from babel.support import NullTranslations
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment
from jinja2.meta import find_undeclared_variables
from markupsafe import Markup

from services.console.core.words import LANGUAGE_NAMES, Language, LocalWords
from services.console.http.rendering import environment, translations
from services.console.http.templating import PageEnvironment
from services.query.core.search_models import AsOf

NOW: Final = 1_767_225_600_000
VALUES = st.text() | st.integers() | st.none() | st.booleans() | st.text().map(Markup) | st.uuids()
SOURCE = (
    '{% macro shown(text) %}<b title="{{ text }}">{{ text }}</b>{% endmacro %}'
    "{{ one }}{{ shown(other) }}{{ one ~ other }}{% set both %}{{ one }}{% endset %}{{ both }}"
    "{% for each in [one, other] %}{{ each }}, {% endfor %}{{ [one, other]|join('<') }}"
)


@given(VALUES, VALUES)
@example("<script>alert('1')</script>", Markup("<i>&amp;</i>"))
def test_values_are_escaped_as_jinja_escapes_them(one: Any, other: Any) -> None:
    pages = PageEnvironment(NullTranslations())
    plain = Environment(autoescape=True)
    values = {"one": one, "other": other}
    assert pages.from_string(SOURCE).render(values) == plain.from_string(SOURCE).render(values)


@pytest.mark.parametrize("language", LANGUAGE_NAMES)
def test_every_template_can_be_compiled(language: Language) -> None:
    templates = environment(language).list_templates(extensions=["html"])
    assert "profile/identity.html" in templates
    for name in templates:
        environment(language).get_template(name)


def test_sentences_are_translated_with_and_without_values_and_as_arguments() -> None:
    pages = PageEnvironment(translations("zh-Hant"))
    source = """{{ _("Tags") }}{{ ("<%s>"|format(_("Tags"))) }}{{ _("As of %(day)s", day="<") }}"""
    assert pages.from_string(source).render() == "標籤&lt;標籤&gt;截至 &lt;"


def test_components_know_nothing_of_a_page_but_what_they_are_given() -> None:
    """They are made once a process, so a name of a page's would fail, and only where the component is used."""
    shared = environment("en")
    assert shared.loader is not None
    source, *_ = shared.loader.get_source(shared, "components.html")
    assert find_undeclared_variables(shared.parse(source)) <= shared.globals.keys()


@pytest.mark.parametrize(("language", "said"), [("en", "1 minute ago"), ("zh-Hant", "1 分鐘前")])
def test_a_page_says_how_far_customers_are_behind(language: Language, said: str) -> None:
    visit = SimpleNamespace(now=NOW, words=LocalWords(language, ZoneInfo("Asia/Taipei"), NOW))
    late = AsOf(asked_at=NOW, vector=None, seconds_behind=60, complete=True)
    components: Any = environment(language).globals["ui"]
    assert said in components.late(late, visit)
