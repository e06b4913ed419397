"""The brief as one self-contained HTML file: no network, no script, print-ready on A4, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.records import Output

if TYPE_CHECKING:
    from jinja2 import Environment

    from analyzer.brief.model import Brief

_TEMPLATES = Path(__file__).parent / "templates"


def render(brief: Brief) -> bytes:
    """The document as UTF-8; the same brief gives the same bytes."""
    template = _environment().get_template("brief.html.j2")
    return template.render(brief=brief).encode()


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from analyzer.outputs._figures import svg

    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,  # of everything, whatever the file is called
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Our own style sheet and Vega's own drawing are the only markup let through; Vega escapes the text it draws.
    found.globals["style"] = Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8"))  # noqa: S704
    found.globals["svg"] = lambda figure: Markup(svg(figure))  # noqa: S704
    return found


OUTPUT = Output(name="html", kind="brief", suffixes=(".html",), render=render)
