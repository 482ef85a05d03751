"""How feelings move along calls, from turn to turn, and with what came of the call.

Emotions are a model's guesses about caller turns; where it gave none the turn counts as unheard.
Calls are those that a person answered. Rows as in the lake.
"""

import polars as pl

from ml.tasks.emotion.valence import VALENCE
from pipelines.metrics.calls import in_order, outcome
from pipelines.metrics.contract import Metric
from pipelines.metrics.definitions import THIN_BELOW
from pipelines.metrics.emotions import EMOTION_ORDER
from pipelines.metrics.intervals import with_rates
from voice_ai.intervals import Z_95

DECILES = 10
# A cell of the transitions is drawn towards what follows any emotion, with the weight of so many
# turns; where a row has fewer, it says next to nothing.
PRIOR_PAIRS = 20
_UNHEARD = (
    pl.col("turns").filter(pl.col("emotion").is_null()).sum().alias("k"),
    pl.col("turns").sum().alias("n"),
)


def feeling_counts(attempts: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """outcome, decile (0–9; null: the call has no length), emotion (null: unheard), emotion_model,
    emotion_version, turns: of caller turns.

    The decile is where the middle of the turn lies between the beginning of the call's first turn
    and the end of its last one, in whole milliseconds.
    """
    first = pl.col("began").min().over("attempt_id")
    last = pl.col("over").max().over("attempt_id")
    place = DECILES * (pl.col("began") + pl.col("over") - 2 * first)
    timed = turns.with_columns(
        began=pl.col("started_at").dt.epoch("ms"),
        over=pl.coalesce("ended_at", "started_at").dt.epoch("ms"),
    ).with_columns(
        decile=pl.when(last > first).then((place // (2 * (last - first))).clip(0, DECILES - 1))
    )
    calls = attempts.filter("human_answered").select("attempt_id", outcome=outcome())
    return (
        timed.filter(pl.col("speaker") == "caller")
        .join(calls, on="attempt_id")
        .group_by(
            "outcome",
            pl.col("decile").cast(pl.Int32),
            "emotion",
            "emotion_model",
            "emotion_version",
        )
        .agg(turns=pl.len().cast(pl.Int64))
    )


def shares_along(counts: pl.DataFrame) -> pl.DataFrame:
    """outcome, decile, emotion, turns, n (turns with an emotion there), rate, low, high, thin;
    every emotion in every decile that has turns."""
    heard = counts.filter(pl.col("emotion").is_not_null(), pl.col("decile").is_not_null())
    added = heard.group_by("outcome", "decile", "emotion").agg(pl.col("turns").sum())
    cells = added.group_by("outcome", "decile").agg(n=pl.col("turns").sum())
    emotions = added.select("emotion").unique()
    full = cells.join(emotions, how="cross").join(
        added, on=["outcome", "decile", "emotion"], how="left"
    )
    rows = with_rates(full.with_columns(pl.col("turns").fill_null(0)), "turns")
    return in_order(rows, "emotion", EMOTION_ORDER).sort("outcome", "decile", maintain_order=True)


def valence_along(counts: pl.DataFrame) -> pl.DataFrame:
    """outcome, decile, n, value, low, high, thin: `valence` of each tenth of calls."""
    return valence(counts.filter(pl.col("decile").is_not_null()), "outcome", "decile")


def valence(counts: pl.DataFrame, *by: str) -> pl.DataFrame:
    """`by`, n, value, low, high, thin: mean valence (-1 to 1) of the labels that were heard, with
    its 95 % interval (normal, turns as the units: a call has seldom two in a tenth)."""
    anchor = pl.col("emotion").replace_strict(VALENCE, default=None, return_dtype=pl.Float64)
    heard = counts.with_columns(v=anchor).drop_nulls("v")
    turns = pl.col("turns")
    total = (turns.sum(), (turns * pl.col("v")).sum(), (turns * pl.col("v") ** 2).sum())
    wanted = [sum_.alias(name) for sum_, name in zip(total, ("n", "s", "q"), strict=True)]
    sums = heard.group_by(by).agg(wanted) if by else heard.select(wanted)
    n = pl.col("n").cast(pl.Float64)
    mean = pl.when(n > 0).then(pl.col("s") / n)
    spread = pl.max_horizontal(pl.col("q") / n - mean**2, pl.lit(0.0))
    half = pl.when(n > 1).then(Z_95 * (spread / (n - 1)).sqrt())
    rows = sums.select(*by, "n", value=mean, low=mean - half, high=mean + half)
    return rows.with_columns(thin=pl.col("n") < THIN_BELOW).sort(by or "n")


def unheard(counts: pl.DataFrame) -> pl.DataFrame:
    """k (caller turns without an emotion), n (caller turns), rate, low, high, thin. One row."""
    return with_rates(counts.select(_UNHEARD), "k")


def unheard_by(counts: pl.DataFrame, by: str) -> pl.DataFrame:
    """`by`, and what `unheard` says of each."""
    return with_rates(counts.group_by(by).agg(_UNHEARD), "k").sort(by)


def versions(by_day: pl.DataFrame) -> pl.DataFrame:
    """model, version, first, last (days on which it heard a turn), turns; the oldest first. From
    day, emotion_model, emotion_version, turns."""
    return (
        by_day.group_by(model="emotion_model", version="emotion_version")
        .agg(first=pl.col("day").min(), last=pl.col("day").max(), turns=pl.col("turns").sum())
        .sort("first", "version")
    )


def pair_counts(attempts: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """from_emotion, to_emotion, pairs: caller turns of a call in a row, both heard."""
    calls = attempts.filter("human_answered").select("attempt_id")
    caller = turns.filter(pl.col("speaker") == "caller").join(calls, on="attempt_id", how="semi")
    before = pl.col("emotion").shift(1).over("attempt_id", order_by="turn_index")
    return (
        caller.with_columns(from_emotion=before)
        .drop_nulls(["from_emotion", "emotion"])
        .group_by("from_emotion", to_emotion="emotion")
        .agg(pairs=pl.len().cast(pl.Int64))
    )


def transitions(counts: pl.DataFrame) -> pl.DataFrame:
    """from_emotion, to_emotion, pairs, n (of the row), rate, low, high, thin, overall, shrunk.

    `overall`: how often the second emotion follows any; `shrunk`: the rate drawn towards it with
    the weight of `PRIOR_PAIRS` pairs, so that few pairs do not make a colour.
    """
    codes = pl.concat([counts["from_emotion"], counts["to_emotion"]]).unique()
    names = pl.DataFrame({"from_emotion": codes})
    full = (
        names.join(names.rename({"from_emotion": "to_emotion"}), how="cross")
        .join(counts, on=["from_emotion", "to_emotion"], how="left")
        .with_columns(pl.col("pairs").fill_null(0))
    )
    pairs, total = pl.col("pairs"), pl.col("pairs").sum()
    sized = full.with_columns(
        n=pairs.sum().over("from_emotion"), overall=pairs.sum().over("to_emotion") / total
    )
    drawn = (pairs + PRIOR_PAIRS * pl.col("overall")) / (pl.col("n") + PRIOR_PAIRS)
    rows = with_rates(sized, "pairs").with_columns(shrunk=drawn)
    places = {emotion: place for place, emotion in enumerate(EMOTION_ORDER)}

    def placed(column: str) -> pl.Expr:
        return pl.col(column).replace_strict(places, default=len(places), return_dtype=pl.Int64)

    return rows.sort(placed("from_emotion"), "from_emotion", placed("to_emotion"), "to_emotion")


def call_counts(attempts: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """chosen_by (last: the emotion heard last; most: the one heard most often, of equals the later
    one), emotion, calls, goals, opted_out: of conversations in which any was heard."""
    calls = attempts.filter("conversed").select("attempt_id", "goal", "opted_out")
    heard = turns.filter(pl.col("speaker") == "caller", pl.col("emotion").is_not_null())
    each = heard.group_by("attempt_id", "emotion").agg(
        times=pl.len(), latest=pl.col("turn_index").max()
    )
    chosen = {"last": ["latest"], "most": ["times", "latest"]}
    parts = [
        each.sort(order, descending=True)
        .group_by("attempt_id", maintain_order=True)
        .first()
        .select("attempt_id", "emotion", chosen_by=pl.lit(by))
        for by, order in chosen.items()
    ]
    return (
        pl.concat(parts)
        .join(calls, on="attempt_id")
        .group_by("chosen_by", "emotion")
        .agg(
            calls=pl.len().cast(pl.Int64),
            goals=pl.col("goal").sum().cast(pl.Int64),
            opted_out=pl.col("opted_out").sum().cast(pl.Int64),
        )
    )


def outcomes_of_emotions(counts: pl.DataFrame, k: str = "goals") -> pl.DataFrame:
    """chosen_by, emotion, calls, `k`, n, rate, low, high, thin."""
    rows = with_rates(counts.with_columns(n=pl.col("calls")), k)
    return in_order(rows, "emotion", EMOTION_ORDER).sort("chosen_by", maintain_order=True)


def lines_along(attempts: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """outcome, emotion, n, hits (turns with it), at_start, at_end, start_half, end_half: lines of
    least squares of the share of an emotion over the call, from its first to its last turn (by
    their order), with the half-widths of their 95 % intervals; of conversations. Rows as in the
    lake.
    """
    size = pl.len().over("attempt_id")
    along = (pl.col("turn_index") / (size - 1)).alias("t")
    calls = attempts.filter("conversed").select("attempt_id", outcome=outcome())
    heard = (
        turns.with_columns(pl.when(size > 1).then(along))
        .filter(pl.col("speaker") == "caller", pl.col("emotion").is_not_null())
        .drop_nulls("t")
        .join(calls, on="attempt_id")
    )
    fits = [
        heard.group_by("outcome")
        .agg(
            emotion=pl.lit(emotion),
            n=pl.len().cast(pl.Int64),
            hits=(pl.col("emotion") == emotion).sum().cast(pl.Int64),
            t_mean=pl.col("t").mean(),
            t_var=pl.col("t").var(ddof=0),
            share=(pl.col("emotion") == emotion).mean(),
            together=((pl.col("emotion") == emotion) * pl.col("t")).mean(),
        )
        .filter(pl.col("t_var") > 0)
        for emotion in EMOTION_ORDER
    ]
    slope = (pl.col("together") - pl.col("t_mean") * pl.col("share")) / pl.col("t_var")
    left = pl.col("share") * (1 - pl.col("share")) - pl.col("slope") ** 2 * pl.col("t_var")
    error = pl.max_horizontal(left, pl.lit(0.0)) / (pl.col("n") - 2)

    def at(t: int, name: str) -> list[pl.Expr]:
        away = t - pl.col("t_mean")
        half = Z_95 * (error * (1 + away**2 / pl.col("t_var"))).sqrt()
        value = pl.col("share") + pl.col("slope") * away
        return [value.alias(f"at_{name}"), half.alias(f"{name}_half")]

    fitted = pl.concat(fits).with_columns(slope=slope)
    lines = fitted.select("outcome", "emotion", "n", "hits", *at(0, "start"), *at(1, "end"))
    return in_order(lines, "emotion", EMOTION_ORDER).sort("outcome", maintain_order=True)


EMOTION_SHARE = Metric(
    name="emotion_share_along_call",
    title="Emotion along the call, by outcome",
    unit="turn",
    numerator="Caller turns heard with this emotion",
    denominator="caller turns with an emotion in that tenth of calls with that outcome",
    excludes="caller turns on which no model gave an answer",
    chart="ribbon",
)
VALENCE_ALONG = Metric(
    name="mean_valence_along_call",
    title="Pleasantness along the call, by outcome",
    unit="turn",
    numerator="Sum of the valence (-1 to 1) of the emotions heard in caller turns",
    denominator="caller turns with an emotion in that tenth of calls with that outcome",
    excludes="caller turns on which no model gave an answer",
    chart="ribbon",
    interval="normal",
    source="sign and order by the pleasure axis of J. A. Russell (1980), J. Pers. Soc. Psychol. "
    "39, 1161–1178; the sizes are our own choice (docs/models-words.md)",
)
TRANSITIONS = Metric(
    name="emotion_after_emotion",
    title="What follows an emotion",
    unit="turn",
    numerator="Caller turns with the second emotion",
    denominator="pairs of caller turns that follow each other and begin with the first emotion",
    excludes="pairs of which either turn has no emotion",
    chart="heat map",
)
GOALS_BY_EMOTION = Metric(
    name="goals_per_conversation_by_emotion",
    title="Goal by emotion",
    unit="call",
    numerator="Conversations that reached the goal",
    denominator="conversations whose last (or most frequent) emotion was this one",
    excludes="conversations in which no emotion was heard. The last turn often answers the goal: "
    "this shows what goes together, not what causes what",
)
ABSTENTION = Metric(
    name="unheard_per_caller_turn",
    title="No emotion given",
    unit="turn",
    numerator="Caller turns on which the model gave no answer",
    denominator="caller turns in calls that a person answered",
    better="fewer",
    chart="line",
)
METRICS = (EMOTION_SHARE, VALENCE_ALONG, TRANSITIONS, GOALS_BY_EMOTION, ABSTENTION)
