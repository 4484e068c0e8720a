"""A figure as SVG inside an HTML page: no styles, colours that the page's own can replace, text that stays text."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mentalft.show.plots.style import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PAPER,
    PURPLE,
    VERMILLION,
    missing_glyphs_allowed,
    style,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
COLOURS = {
    INK: "currentColor",
    MUTED: f"var(--figure-muted, {MUTED})",
    PAPER: "var(--figure-paper, Canvas)",
    **{colour: f"var(--series-{i}, {colour})" for i, colour in enumerate((ORANGE, BLUE, GREEN, VERMILLION, PURPLE), 1)},
}
"""What the page may set: ``--series-1`` (base) to ``--series-5``, ``--figure-muted``, ``--figure-paper``; text and axes
have the colour of the text around them."""
DROPPED = ("font-family", "font-size", "font-stretch")
"""Of matplotlib's declarations: fonts are the page's, and the size is set as a number."""
ROUND = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
"""What matplotlib's style sheet says of everything."""
LONG = re.compile(r"-?\d+\.\d{3,}")
"""Coordinates finer than a hundredth of a point, which nobody sees and which double the size of a page."""
REFERENCE = re.compile(r"url\(#([^)]+)\)")


def inline_svg(figure: Figure, title: str | None = None) -> str:
    """``figure`` as an ``<svg>`` element for a page whose policy forbids styles.

    It has a ``viewBox`` and no size, attributes instead of styles, and ids that begin with the figure's label, so that
    figures of several labels go into one page. ``title`` is read out to those who do not see the picture; it is the
    figure's own English one where none is given.
    """
    buffer = io.StringIO()
    with style(svg__fonttype="none"), missing_glyphs_allowed():
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    root = ElementTree.fromstring(buffer.getvalue())
    name = str(figure.get_label()) or "figure"
    _drop_ground(root)
    values = [value for element in root.iter() for value in element.attrib.values()]
    used = {found for value in values for found in REFERENCE.findall(value)}
    used |= {element.get(XLINK, "").removeprefix("#") for element in root.iter()}
    for element in root.iter():
        attributes = _attributes(element, used, f"{name}-")
        element.attrib.clear()
        element.attrib.update(attributes)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    words = title or name
    root.attrib.update({"class": f"figure {name}", "role": "img", "aria-label": words, "fill": COLOURS[INK], **ROUND})
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _drop_ground(root: ElementTree.Element) -> None:
    """Take out the style sheet, and the white rectangles behind figure and axes: the page shows through."""
    for parent in list(root.iter()):
        for child in list(parent):
            is_patch = (child.get("id") or "").startswith("patch_")
            is_ground = is_patch and any(f"fill: {PAPER}" in (shape.get("style") or "") for shape in child)
            if child.tag in {f"{{{SVG}}}metadata", f"{{{SVG}}}style"} or is_ground:
                parent.remove(child)


def _attributes(element: ElementTree.Element, used: set[str], prefix: str) -> dict[str, str]:
    """Those of ``element`` with declarations turned into attributes, colours named by their part, and only ids that
    something refers to."""
    found: dict[str, str] = {}
    for key, value in element.attrib.items():
        if key == "style":
            pairs = (declaration.partition(":") for declaration in value.split(";") if declaration.strip())
            declared = {name.strip(): said.strip() for name, _, said in pairs}
            size = declared.get("font-size")
            found |= {name: COLOURS.get(said, said) for name, said in declared.items() if name not in DROPPED}
            found |= {"font-size": size.removesuffix("px")} if size else {}
        elif key == "id":
            found |= {"id": prefix + value} if value in used else {}
        elif key == XLINK:
            found["href"] = f"#{prefix}{value.removeprefix('#')}"
        elif key == "d":
            found[key] = " ".join(LONG.sub(lambda long: f"{float(long[0]):.2f}", value).split())
        else:
            found[key] = REFERENCE.sub(rf"url(#{prefix}\1)", value)
    return found
