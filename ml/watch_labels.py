"""What people's labels say of the versions: accuracy, calibration, and how far people agree."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

import polars as pl

from ml.watch_found import Found
from ml.watching.judge import judge_agreement, judge_labelled
from ml.watching.measures import Measure
from voice_ai.db.connect import Db, Row
from voice_ai.labelling.sampling import monday
from voice_ai.labelling.standing import Said, agreed, standing
from voice_ai.store import watching
from voice_ai.store.watching import ANY_VERSION, Heard

_FOR = timedelta(days=28)
_COLUMNS = {"label": pl.String, "predicted": pl.String, "score": pl.Float64, "weight": pl.Float64}


def with_labels(
    db: Db, found: Sequence[Found], now: datetime, *, rehearsal: bool, seed: int
) -> list[Found]:
    """Accuracy, calibration and agreement on the labelled turns of the last four weeks."""
    since = monday(now.astimezone(UTC).date()) - _FOR
    rows = watching.labelled(db, since, rehearsal=rehearsal)
    turns = [list(part) for _, part in groupby(rows, key=lambda row: row["id"])]
    by_key: dict[tuple[str, str], list[Measure]] = {}
    for task in sorted({row["task"] for row in rows}):
        mine = [part for part in turns if part[0]["task"] == task]
        by_key[task, ANY_VERSION] = [judge_agreement(agreed(_said(part) for part in mine))]
        for version in sorted({part[0]["model_version"] for part in mine}):
            judged_by = next((f for f in found if f.key == (task, version)), None)
            frame = _labelled([p for p in mine if p[0]["model_version"] == version])
            by_key[task, version] = judge_labelled(
                frame, judged_by.held_out_accuracy if judged_by else None, seed=seed
            )
    made = [replace(f, measures=(*f.measures, *by_key.pop(f.key, ()))) for f in found]
    rest = [
        Found(Heard(task, "", version, rehearsal), tuple(measures), None)
        for (task, version), measures in by_key.items()
        if measures
    ]
    return [*made, *rest]


def _labelled(turns: Sequence[Sequence[Row]]) -> pl.DataFrame:
    """Turns with an agreed label."""
    rows = []
    for labels in turns:
        settled = standing(_said(labels)).label
        if settled is not None:
            first = labels[0]
            rows.append((settled, first["predicted"], first["score"], first["weight"]))
    return pl.DataFrame(rows, schema=_COLUMNS, orient="row")


def _said(rows: Sequence[Row]) -> list[Said]:
    return [Said(row["labeller"], row["label"], row["decides"]) for row in rows]
