"""What the console's templates do otherwise than Jinja2 would: it must not be seen in a page."""

from typing import Any

import pytest
from babel.support import NullTranslations
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment
from markupsafe import Markup

from services.console.core.words import LANGUAGE_NAMES, Language
from services.console.http.rendering import environment, translations
from services.console.http.templating import PageEnvironment

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
