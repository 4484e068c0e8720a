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
    used = _references(root)
    for element in root.iter():
        _attributes_only(element, used, f"{name}-")
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
            is_ground = (child.get("id") or "").startswith("patch_") and _is_white_rectangle(child)
            if child.tag in {f"{{{SVG}}}metadata", f"{{{SVG}}}style"} or is_ground:
                parent.remove(child)


def _is_white_rectangle(group: ElementTree.Element) -> bool:
    return any(f"fill: {PAPER}" in (child.get("style") or "") for child in group)


def _references(root: ElementTree.Element) -> set[str]:
    found = {element.get(XLINK, "").removeprefix("#") for element in root.iter()}
    for element in root.iter():
        found |= {name for value in element.attrib.values() for name in REFERENCE.findall(value)}
    return found


def _attributes_only(element: ElementTree.Element, used: set[str], prefix: str) -> None:
    """Turn declarations into attributes, name colours by their part, and keep only ids that something refers to."""
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        if key == "style":
            attributes |= _declarations(value)
        elif key == "id":
            attributes |= {"id": prefix + value} if value in used else {}
        elif key == XLINK:
            attributes["href"] = f"#{prefix}{value.removeprefix('#')}"
        elif key == "d":
            attributes[key] = " ".join(LONG.sub(lambda found: f"{float(found[0]):.2f}", value).split())
        else:
            attributes[key] = REFERENCE.sub(rf"url(#{prefix}\1)", value)
    element.attrib.clear()
    element.attrib.update(attributes)


def _declarations(css: str) -> dict[str, str]:
    pairs = (declaration.split(":", 1) for declaration in css.split(";") if ":" in declaration)
    found = {key.strip(): value.strip() for key, value in pairs}
    size = {"font-size": found["font-size"].removesuffix("px")} if "font-size" in found else {}
    return {key: COLOURS.get(value, value) for key, value in found.items() if key not in DROPPED} | size
