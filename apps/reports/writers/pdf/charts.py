"""Bars above the rows."""

from __future__ import annotations

from typing import Any

from django.utils.formats import get_format
from reportlab.graphics import renderPDF
from reportlab.graphics.charts.barcharts import HorizontalBarChart, VerticalBarChart
from reportlab.graphics.shapes import Drawing, Rect, String

from apps.reports.document import Chart

from .pages import Pages
from .style import ACCENT, BOLD, INK, LINE, MARGIN, MUTED, REGULAR, SERIES, WIDTH

HEIGHT = 190.0
#: Between two charts.
GAP = 24.0
#: Categories that have room for their name; of more, every second or third is named.
NAMED = 14
#: Characters of a long name.
LONGEST = 24


def draw_charts(pages: Pages, charts: tuple[Chart, ...]) -> None:
    """Draw the charts that have something to show side by side."""
    shown = [chart for chart in charts if chart.categories and any(map(any, chart.series.values()))]
    if not shown:
        return
    width = (WIDTH - GAP * (len(shown) - 1)) / len(shown)
    for place, chart in enumerate(shown):
        drawing = _drawing(chart, width)
        renderPDF.draw(drawing, pages.canvas, MARGIN + place * (width + GAP), pages.y - HEIGHT)
    pages.y -= HEIGHT + GAP


def _drawing(chart: Chart, width: float) -> Drawing:
    drawing = Drawing(width, HEIGHT)
    drawing.add(String(0, HEIGHT - 10, chart.title, fontName=BOLD, fontSize=8.5, fillColor=INK))
    bars: Any = HorizontalBarChart() if chart.lies else VerticalBarChart()
    left = 118 if chart.lies else 54
    bars.x, bars.y = left, 34
    bars.width, bars.height = width - left - 8, HEIGHT - 62
    order = range(len(chart.categories))
    if chart.lies:  # reportlab draws the first one at the bottom
        order = order[::-1]
    # In euros.
    bars.data = [[values[n] / 100 for n in order] for values in chart.series.values()]
    bars.categoryAxis.categoryNames = _names([chart.categories[n] for n in order])
    _style(bars, len(chart.series))
    drawing.add(bars)
    _legend(drawing, list(chart.series))
    return drawing


def _names(categories: list[str]) -> list[str]:
    step = -(-len(categories) // NAMED)
    cut = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in categories]
    return [name if n % step == 0 else "" for n, name in enumerate(cut)]


def _style(bars: Any, series: int) -> None:
    bars.categoryAxis.style = "stacked"
    # Below, or left of, amounts under zero too.
    bars.categoryAxis.labelAxisMode = "low"
    bars.barSpacing, bars.groupSpacing = 0, 9
    for n in range(series):
        bars.bars[n].fillColor = _color(n, series)
        bars.bars[n].strokeColor = None
    for axis in (bars.categoryAxis, bars.valueAxis):
        axis.labels.fontName, axis.labels.fontSize = REGULAR, 6.5
        axis.labels.fillColor = MUTED
        axis.strokeColor = LINE
    bars.categoryAxis.visibleTicks = 0
    bars.valueAxis.labelTextFormat = _euros
    bars.valueAxis.forceZero = 1
    bars.valueAxis.avoidBoundFrac = 0.04
    bars.valueAxis.visibleGrid = 1
    bars.valueAxis.gridStrokeColor = LINE
    bars.valueAxis.gridStrokeWidth = 0.4


def _square(x: float, color: Any) -> Rect:
    square = Rect(x, 4, 7, 7)
    square.fillColor, square.strokeColor = color, None
    return square


def _color(number: int, series: int) -> Any:
    return ACCENT if series == 1 else SERIES[number % len(SERIES)]


def _euros(value: float) -> str:
    return (
        f"{value:,.0f}".replace(",", str(get_format("THOUSAND_SEPARATOR"))) + "\N{NO-BREAK SPACE}€"
    )


def _legend(drawing: Drawing, names: list[str]) -> None:
    x = 0.0
    for n, name in enumerate(names):
        drawing.add(_square(x, _color(n, len(names))))
        drawing.add(String(x + 10, 5, name, fontName=REGULAR, fontSize=6.5, fillColor=MUTED))
        x += 22 + 4.2 * len(name)
