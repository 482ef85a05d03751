"""The daily watch: measures what served versions said in calls, writes it, and raises the alarm.

The same day again replaces its measures. Rehearsal and live turns are never mixed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ml.fallback import NEUTRAL, note_drift
from ml.tasks import TASKS, find_task
from ml.watch_found import Found
from ml.watch_labels import with_labels
from ml.watch_reference import Judged, judged, served_version
from ml.watching.judge import (
    Words,
    judge_missing,
    judge_turns,
    judge_words,
)
from ml.watching.measures import DRIFT, Measure
from ml.watching.reference import TURNS, Reference, of_turns, unknown_share
from voice_ai.db.connect import Db, connect
from voice_ai.errors import Refused
from voice_ai.labelling.sampling import finished_week, monday
from voice_ai.store import labels, watching
from voice_ai.store.watching import ANY_VERSION, Heard, Span

WINDOW = timedelta(days=7)
MOST_TURNS = 20_000
_MOST_TEXTS = 5_000
_SEED = 7
_DRAW_SEED = "voice-ai"

Told = Callable[[float, str], None]


def watch_models(
    url: str,
    home: Path,
    *,
    now: datetime,
    rehearsal: bool,
    progress: Told = lambda share, sentence: None,
) -> dict[str, Any]:
    """Measures the day of `now` up to that moment, writes it, settles alerts and fallbacks.

    Then draws last week's turns for labelling where that has not been done. Raises NotAvailable.
    """
    span = Span(now - WINDOW, now)
    with connect(url, name="voice-ai watch-models", autocommit=True) as db:
        heard = watching.versions_heard(db, span, list(TASKS), rehearsal=rehearsal)
        found = []
        for place, one in enumerate(heard):
            progress(place / (len(heard) + 1), f"measuring {one.task} {one.version}")
            found.append(_version(db, home, one, span, now))
        found += _whole(db, heard, now, rehearsal=rehearsal)
        found = with_labels(db, found, now, rehearsal=rehearsal, seed=_SEED)
        rows = [row for one in found for row in one.rows()]
        trouble = _settle(db, home, found, rows, now, rehearsal=rehearsal)
        drawn = _draw_last_week(db, heard, now, rehearsal=rehearsal)
    told = [{key: value for key, value in row.items() if key != "detail"} for row in rows]
    return {
        "day": f"{now.astimezone(UTC):%F}",
        "rehearsal": rehearsal,
        "measures": told,
        "drawn": drawn,
        "trouble": trouble,
    }


def draw_labels(url: str, task: str, *, now: datetime, rehearsal: bool) -> int:
    """Draws this week's turns up to now; how many. 0: none to draw, or drawn before.

    Raises NotFound for a task that does not exist.
    """
    find_task(task)
    with connect(url, name="voice-ai draw labels", autocommit=True) as db:
        sample = labels.Sample(task, monday(now.astimezone(UTC).date()), rehearsal)
        return labels.draw(db, sample, seed=_DRAW_SEED, now=now, until=now)


def _version(db: Db, home: Path, heard: Heard, span: Span, now: datetime) -> Found:
    held = judged(home, heard.task, heard.version)
    reference, since = _reference(db, heard, held, span, now)
    if reference is None:
        turns = watching.newest_turns(db, heard, span, MOST_TURNS)
        nothing = (Measure(name, None, None, None, turns.height, "too_few") for name in DRIFT)
        return Found(heard, tuple(nothing), None)
    later = replace(span, since=max(span.since, since))
    turns = watching.newest_turns(db, heard, later, MOST_TURNS)
    measures = judge_turns(reference, turns, seed=_SEED)
    if held is not None and held.knows is not None:
        texts = watching.newest_texts(db, later, _MOST_TEXTS, rehearsal=heard.rehearsal)
        share, n = unknown_share(texts, held.knows)
        words = judge_words(reference, Words(n, round((share or 0.0) * n)))
        measures += [words] if words is not None else []
    accuracy = held.reference.accuracy if held else None
    return Found(heard, tuple(measures), reference.source, accuracy)


def _reference(
    db: Db, heard: Heard, held: Judged | None, span: Span, now: datetime
) -> tuple[Reference | None, datetime]:
    """The first turns once they are enough, until then the held-out rows; and since when turns are
    held against it."""
    beginning = datetime.min.replace(tzinfo=UTC)
    kept = watching.reference_of(db, heard)
    if kept is not None:
        reference = Reference.from_json(kept["reference"])
        return (_lent(reference, held), kept["until"])
    first = watching.first_measured(db, heard)
    since = datetime.combine(first, time(), UTC) - WINDOW if first else span.since
    search = Span(min(since, span.since), span.until)
    turns, until = watching.first_turns(db, heard, search, TURNS)
    if turns.height < TURNS or until is None:
        return (held.reference if held else None, beginning)
    known = held.reference.labels if held else tuple(sorted(set(turns["label"])))
    reference = of_turns(turns, known)
    watching.keep_reference(db, heard, reference.as_json(), until=until, now=now)
    return (_lent(reference, held), until)


def _lent(reference: Reference, held: Judged | None) -> Reference:
    """With what only held-out rows tell."""
    if held is None or held.reference.labels != reference.labels:
        return reference
    return replace(
        reference,
        confusion=held.reference.confusion,
        accuracy=held.reference.accuracy,
        unknown_words=held.reference.unknown_words,
    )


def _whole(db: Db, heard: Sequence[Heard], now: datetime, *, rehearsal: bool) -> list[Found]:
    """Missing answers of the last 24 hours, for tasks that some model answers."""
    tasks = sorted({one.task for one in heard})
    span = Span(now - timedelta(days=1), now)
    return [
        Found(
            Heard(row["task"], "", ANY_VERSION, rehearsal),
            (judge_missing(row["missing"], row["turns"]),),
            None,
        )
        for row in watching.missing(db, span, tasks, rehearsal=rehearsal)
    ]


def _settle(
    db: Db,
    home: Path,
    found: Sequence[Found],
    rows: Sequence[Mapping[str, Any]],
    now: datetime,
    *,
    rehearsal: bool,
) -> list[str]:
    """Writes the day and its alerts in one transaction, then the fallbacks; what went wrong."""
    current = _current(home, found)
    with db.transaction():
        watching.write_day(db, now.astimezone(UTC).date(), rows, rehearsal=rehearsal, now=now)
        for one in current.values():
            _alarm(db, one, now)
    trouble = []
    for task, one in current.items():
        try:
            _note(home, task, one)
        except Refused as error:
            trouble.append(error.message)
    return trouble


def _current(home: Path, found: Sequence[Found]) -> dict[str, Found]:
    """By task, the version that answers now, with what is of no single one: that which the home
    serves, or, where it was not heard, the one heard last."""
    current: dict[str, Found] = {}
    for one in found:
        task = one.heard.task
        serves = one.heard.version == served_version(home, task)
        if one.heard.model and (serves or task not in current):
            whole = (f.measures for f in found if f.key == (task, ANY_VERSION))
            current[task] = replace(one, measures=sum(whole, one.measures))
    return current


def _alarm(db: Db, found: Found, now: datetime) -> None:
    heard = found.heard
    if found.verdict == "act":
        watching.raise_alert(db, heard, _summary(found), now=now)
    elif found.verdict == "too_few":
        watching.keep_alert_of(db, heard, now=now)
    else:
        watching.clear_alerts(db, heard.task, rehearsal=heard.rehearsal, now=now)


def _note(home: Path, task: str, found: Found) -> None:
    """Only a task with a neutral label can fall back to it."""
    if task not in TASKS or NEUTRAL not in TASKS[task].labels or found.drift == "too_few":
        return
    if found.drift == "act":
        note_drift(home, task, version=found.heard.version, reason=_summary(found))
    else:
        note_drift(home, task, version=None, reason=None)


_WORDS: Mapping[str, str] = {
    "psi_score": "how sure it is (PSI {value:.2f})",
    "psi_labels": "the mix of its answers (PSI {value:.2f})",
    "psi_length": "how long people speak (PSI {value:.2f})",
    "label_shift": "the estimated mix of true labels (shift {value:.0%})",
    "missing": "turns without an answer ({value:.1%})",
    "accuracy": "its accuracy on labelled turns ({value:.1%})",
    "ece": "its calibration (ECE {value:.2f})",
}


def _summary(found: Found) -> str:
    acts = [
        _WORDS[one.name].format(value=one.value)
        for one in found.measures
        if one.verdict == "act" and one.value is not None
    ]
    against = "its held-out texts" if found.reference == "held-out" else "its first turns"
    version = found.heard.version
    kind = " in rehearsals" if found.heard.rehearsal else ""
    return (
        f"The {found.heard.task} model (version {version}){kind} has moved away from {against}:"
        f" {', '.join(acts)}"
    )


def _draw_last_week(
    db: Db, heard: Sequence[Heard], now: datetime, *, rehearsal: bool
) -> dict[str, int]:
    """By task, how many turns were drawn just now."""
    week = finished_week(now.astimezone(UTC))
    made = {
        task: labels.draw(db, labels.Sample(task, week, rehearsal), seed=_DRAW_SEED, now=now)
        for task in sorted({one.task for one in heard})
    }
    return {task: n for task, n in made.items() if n}
