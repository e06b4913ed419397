"""Pictures of a brief as SVG, drawn by Vega from its figure records.

Altair and vl-convert are imported when a picture is drawn, not before: they take most of a second.
Every picture carries its title, units, source and licence, because screenshots travel alone.
"""

from __future__ import annotations

import re
from typing import Any

from analyzer.brief.model import Figure


def svg(figure: Figure) -> str:
    """The picture; ids inside it begin with the figure's own, so that several fit into one document."""
    import altair as alt
    import vl_convert

    version = "v" + "_".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    return _own_ids(str(vl_convert.vegalite_to_svg(specification(figure), vl_version=version)), figure.ident)


def specification(figure: Figure) -> dict[str, Any]:
    """The Vega-Lite specification of a picture, data included."""
    from analyzer.outputs import _published, _series, _vega

    draw = {"series": _series.series, "published": _published.published, "comparison": _published.comparison}
    return _vega.picture(figure, draw[figure.kind](figure))


def _own_ids(drawn: str, ident: str) -> str:
    inner = re.sub(r'\bid="([^"]+)"', rf'id="{ident}-\1"', drawn)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{ident}-\1)", inner)
