"""The one look of all charts: type, grid and colours, for light and for dark pages."""

from typing import Any, TypeAlias

import altair as alt

from pipelines.report.palette import Colour, Mode

Drawing: TypeAlias = alt.Chart | alt.LayerChart

_INK = Colour("#31333f", "#fafafa")
_SOFT = Colour("#5c6370", "#a2a9b5")
_GRID = Colour("#e6e8ec", "#262b35")


def ink(mode: Mode) -> str:
    return _INK.on(mode)


def themed(chart: Drawing, mode: Mode) -> Drawing:
    """The chart with the product's look; Streamlit's own chart theme must be off."""
    soft, grid = _SOFT.on(mode), _GRID.on(mode)
    axis: dict[str, Any] = {
        "labelColor": soft,
        "titleColor": soft,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "gridColor": grid,
    }
    looked: Drawing = (
        chart.configure(
            background="transparent",
            font="Source Sans, system-ui, sans-serif",
            padding={"left": 2, "right": 8, "top": 4, "bottom": 2},
        )
        .configure_view(stroke=None)
        .configure_axis(**axis)
        .configure_legend(
            labelColor=soft,
            titleColor=soft,
            labelFontSize=12,
            symbolType="square",
            symbolSize=110,
            orient="top",
            direction="horizontal",
            columns=6,
            title=None,
            offset=4,
        )
        .configure_text(color=_INK.on(mode), fontSize=12)
    )
    return looked
