"""How good is what listens? Versions that serve, candidates beside them, drift."""

from typing import Any

from pipelines.metrics.intervals import rate
from pipelines.report.document import Bar, Document, Section, Tile, bar_of
from pipelines.report.facts import Facts, Scope, moment_of
from pipelines.report.labels import count, interval, moment, percent, words

_VERDICTS = {"act": "Act", "watch": "Watch", "stable": "Stable", "too_few": "Too few"}
_TINTS = {"act": "opted_out", "watch": "machine", "stable": "goal", "too_few": "unanswered"}
_LEVELS = ("too_few", "stable", "watch", "act")


def model_document(facts: Facts, scope: Scope) -> Document:
    """Thirty days up to the moment, from the tables of gate, rollout and watch."""
    heard = facts["models_heard"]
    return Document(
        kind="model",
        title=f"{scope.as_of:%Y-%m-%d} – model report",
        question="How good is what listens?",
        about="Models that answered in calls, the 30 days before",
        rehearsal=scope.rehearsal,
        as_of=scope.as_of,
        commit=scope.commit,
        tiles=_tiles(facts),
        sections=(
            _serving(heard, facts["gates"]),
            _candidates(facts["rollouts"]),
            _agreement(facts["agreement"]),
            _watch(facts["watched"]),
            _drift(facts["drift"]),
        ),
    )


def _tiles(facts: Facts) -> tuple[Tile, ...]:
    heard, watched = facts["models_heard"], facts["watched"]
    told = {verdict: sum(row["verdict"] == verdict for row in watched) for verdict in _VERDICTS}
    open_ones = [row for row in facts["rollouts"] if row["stage"] is not None]
    day = f"on {watched[0]['day']}" if watched else "nothing measured yet"
    return (
        Tile(
            label="Answers in calls",
            value=count(sum(row["answers"] for row in heard)),
            notes=(f"{len({row['task'] for row in heard})} tasks",),
        ),
        Tile(
            label="Versions heard",
            value=count(len({(row["task"], row["model_version"]) for row in heard})),
        ),
        Tile(label="Candidates in calls", value=count(len(open_ones))),
        Tile(label="Measures that ask to act", value=count(told["act"]), notes=(day,)),
        Tile(label="Measures to watch", value=count(told["watch"]), notes=(day,)),
    )


def _serving(heard: list[dict[str, Any]], gates: list[dict[str, Any]]) -> Section:
    judged = {(row["task"], row["model_version"]): row for row in gates}
    of_task: dict[str, int] = {}
    for row in heard:
        of_task[row["task"]] = of_task.get(row["task"], 0) + row["answers"]
    return Section(
        title="What answered?",
        about="Turns that a version answered with a score ÷ turns of its task that any version"
        " answered so; its gate is the last judgement.",
        bars=tuple(
            bar_of(
                f"{words(row['task'])} {row['model_version']}",
                rate(row["answers"], of_task[row["task"]]),
            )
            for row in heard
        ),
        head=("Task", "Model", "Version", "Answers", "Calls", "Last heard", "Gate"),
        rows=tuple(
            (
                words(row["task"]),
                row["model_name"],
                row["model_version"],
                count(row["answers"]),
                count(row["calls"]),
                moment(moment_of(row["latest"])),
                _gate(judged.get((row["task"], row["model_version"]))),
            )
            for row in heard
        ),
        empty="No model answered in a call yet.",
    )


def _gate(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not judged"
    at = moment_of(row["judged_at"])
    return f"{'passed' if row['passed'] else 'failed'}, {moment(at)}"


def _candidates(rollouts: list[dict[str, Any]]) -> Section:
    return Section(
        title="Which candidates stood beside the champion?",
        about="Each with its last step; a canary answers its share of the calls.",
        head=("Task", "Candidate", "Champion", "Step", "Stage", "Share", "When", "Why"),
        rows=tuple(
            (
                words(row["task"]),
                row["model_version"],
                row["champion_version"] or "–",
                words(row["decision"]),
                words(row["stage"]) if row["stage"] else "over",
                "–" if row["share"] is None else f"{row['share']:g} %",
                moment(moment_of(row["decided_at"])),
                row["why"],
            )
            for row in rollouts
        ),
        empty="None.",
    )


def _agreement(rows: list[dict[str, Any]]) -> Section:
    shares = [
        (
            f"{words(row['task'])} {row['model_version']} beside {row['champion_version']}",
            rate(row["alike"], row["n"]),
        )
        for row in rows
    ]
    return Section(
        title="How often did they hear the same?",
        about="Turns that candidate and champion heard alike ÷ turns that both heard.",
        bars=tuple(bar_of(label, found) for label, found in shares),
        head=("Candidate", "Alike", "Turns", "Share", "95 % interval"),
        rows=tuple(
            (label, count(r.k), count(r.n), percent(r.value), interval(r.low, r.high))
            for label, r in shares
        ),
        thin=tuple(r.thin for _, r in shares),
        empty="No turn was heard by two versions.",
    )


def _watch(rows: list[dict[str, Any]]) -> Section:
    return Section(
        title="Do they still hear what they were taught?",
        about="What the watch measured on its newest day: turns of calls against held-out rows or"
        " the version's own first turns.",
        head=("Task", "Version", "Measure", "Value", "95 % interval", "n", "Against", "Verdict"),
        rows=tuple(
            (
                words(row["task"]),
                row["model_version"],
                words(row["measure"]),
                "–" if row["value"] is None else f"{row['value']:.3f}",
                "–" if row["low"] is None else f"{row['low']:.3f}–{row['high']:.3f}",
                count(row["n"]),
                row["reference"] or "–",
                _VERDICTS[row["verdict"]],
            )
            for row in rows
        ),
        thin=tuple(row["verdict"] == "too_few" for row in rows),
        empty="Nothing was measured yet; the flow watch-models measures every day.",
    )


def _drift(rows: list[dict[str, Any]]) -> Section:
    """Days by the worst verdict of each task."""
    by_task: dict[str, dict[str, int]] = {}
    for row in rows:
        level = _LEVELS[row["worst"] - 1]
        days = by_task.setdefault(row["task"], {})
        days[level] = days.get(level, 0) + 1
    bars = [
        Bar(
            label=f"{words(task)}: {_VERDICTS[level]}",
            value=f"{days[level]} d",
            share=days[level] / 30,
            tint=_TINTS[level],
        )
        for task, days in by_task.items()
        for level in reversed(_LEVELS)
        if level in days
    ]
    return Section(
        title="How many days were calm?",
        about="Of the last thirty days, those whose worst measure said this.",
        bars=tuple(bars),
        empty="Nothing was measured yet.",
    )
