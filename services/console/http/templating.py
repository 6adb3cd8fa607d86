"""Jinja2 for pages: what a page says again and again is worked out when its template is compiled."""

import re
from typing import Any, Final

from babel.support import NullTranslations
from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

_to_be_escaped: Final = re.compile("[&<>\"']").search


def written(value: Any) -> str:
    """A value as a part of a page: as ``escape`` has it, which makes an object of its own of each text."""
    if type(value) is str:
        return escape(value) if _to_be_escaped(value) else value
    return value if type(value) is Markup else escape(value)


class _Sentences(NodeTransformer):
    """Puts each sentence without values into its template. A page has a hundred of them."""

    def __init__(self, catalogue: NullTranslations) -> None:
        self._catalogue = catalogue

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the name that a transformer looks for
        """``_("…")`` as the text that it gives."""
        self.generic_visit(node)
        match node:
            case nodes.Call(node=nodes.Name(name="_"), args=[nodes.Const(value=sentence)], kwargs=[]):
                return nodes.TemplateData(self._catalogue.gettext(sentence) % {}, lineno=node.lineno)
            case _:
                return node


class _PageGenerator(CodeGenerator):
    """Writes values by ``written``: half of a list's time was ``escape``."""

    def _output_child_pre(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:  # noqa: ARG002 - Jinja's
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            raise NotImplementedError("a page is escaped throughout")
        self.write("environment.written(")


class PageEnvironment(Environment):
    """Templates in one language, with automatic escaping."""

    code_generator_class = _PageGenerator
    written = staticmethod(written)

    def __init__(self, catalogue: NullTranslations, **options: Any) -> None:
        super().__init__(autoescape=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"], **options)
        self._catalogue = catalogue
        self.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]  # the extension's

    def _generate(self, source: nodes.Template, *names: Any, **options: Any) -> str:
        return super()._generate(_Sentences(self._catalogue).visit(source), *names, **options)
