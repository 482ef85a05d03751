"""Where the nodes and links of a script's flow are drawn: a Sankey picture as plain frames."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

_NODE_WIDTH = 0.16  # of the distance between two columns
_GAP = 0.06  # between nodes of a column, of the height of all calls
_LEAST = 0.01  # a way that fewer of the calls took is left out
_POINTS = 16


@dataclass(frozen=True)
class Flow:
    """`nodes`: node, x, x2, y, y2, and y_hung (from there to y2 the people hung up); `links`: link,
    from_node, to_node, calls, x, y, y2, a few rows for each ribbon; `left_out`: ways that lead back
    or that few calls took. Heights are calls, columns 1 apart."""

    nodes: pl.DataFrame
    links: pl.DataFrame
    left_out: pl.DataFrame


def flow(nodes: pl.DataFrame, ways: pl.DataFrame) -> Flow:
    """From `script_nodes.node_table` and from_node, to_node, calls. A node's column is the longest
    way to it, over ways that lead on in the order in which calls come to the nodes."""
    order = {node: place for place, node in enumerate(nodes["node"])}
    most = int(nodes["reached"].max() or 0) if nodes.height else 0  # type: ignore[arg-type]
    forward = pl.Series(
        [
            order.get(a, -1) < order.get(b, -1)
            for a, b in ways.select("from_node", "to_node").rows()
        ],
        dtype=pl.Boolean,
    )
    drawn = ways.filter(forward & (pl.col("calls") >= _LEAST * most))
    columns = _columns(list(order), drawn)
    spots = _spots(nodes, columns, most)
    return Flow(_node_rows(nodes, spots), _link_rows(drawn, spots, order), ways.filter(~forward))


@dataclass(frozen=True)
class _Spot:
    column: int
    top: float
    reached: int


def _columns(order: list[str], ways: pl.DataFrame) -> dict[str, int]:
    columns = dict.fromkeys(order, 0)
    by_source = sorted(ways.rows(), key=lambda way: order.index(way[0]))
    for source, target, _ in by_source:
        columns[target] = max(columns[target], columns[source] + 1)
    return columns


def _spots(nodes: pl.DataFrame, columns: Mapping[str, int], most: int) -> dict[str, _Spot]:
    """The largest on top in each column, columns centred on each other."""
    spots: dict[str, _Spot] = {}
    for column in sorted(set(columns.values())):
        rows = [
            (node, reached)
            for node, reached in nodes.sort("reached", descending=True)
            .select("node", "reached")
            .iter_rows()
            if columns[node] == column
        ]
        gap = _GAP * most
        top = -(sum(reached for _, reached in rows) + gap * (len(rows) - 1)) / 2
        for node, reached in rows:
            spots[node] = _Spot(column, top, reached)
            top += reached + gap
    return spots


def _node_rows(nodes: pl.DataFrame, spots: Mapping[str, _Spot]) -> pl.DataFrame:
    return nodes.with_columns(
        x=pl.Series([float(spots[n].column) for n in nodes["node"]], dtype=pl.Float64),
        y=pl.Series([spots[n].top for n in nodes["node"]], dtype=pl.Float64),
    ).with_columns(
        x2=pl.col("x") + _NODE_WIDTH,
        y2=pl.col("y") + pl.col("reached"),
        y_hung=pl.col("y") + pl.col("reached") - pl.col("hung_up"),
    )


def _link_rows(
    ways: pl.DataFrame, spots: Mapping[str, _Spot], order: Mapping[str, int]
) -> pl.DataFrame:
    """Ribbons leave a node in the order of where they lead, and reach it in that of where from."""
    leaves = {node: spot.top for node, spot in spots.items()}
    reaches = dict(leaves)
    rows = []
    for source, target, calls in sorted(
        ways.rows(), key=lambda w: (spots[w[0]].top, spots[w[1]].top, order[w[1]])
    ):
        start, end = leaves[source], reaches[target]
        leaves[source] += calls
        reaches[target] += calls
        left, right = spots[source].column + _NODE_WIDTH, float(spots[target].column)
        for step in range(_POINTS + 1):
            t = step / _POINTS
            y = start + (end - start) * (1 - math.cos(math.pi * t)) / 2
            x = left + (right - left) * t
            rows.append((f"{source} {target}", source, target, calls, x, y, y + calls))
    schema = {"link": pl.String, "from_node": pl.String, "to_node": pl.String, "calls": pl.Int64}
    kinds = schema | {"x": pl.Float64, "y": pl.Float64, "y2": pl.Float64}
    return pl.DataFrame(rows, kinds, orient="row")
