"""Calls in which a model was heard, many at a time."""

from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate
from pathlib import Path

import skops.io

from ml.artifact import Golden, Manifest, file_sha256
from ml.datasets import Dataset
from ml.deploy import deploy
from ml.text.kind import example, fit, reference
from tests.factories import Office

MIX: Mapping[str, float] = {"neutral": 0.6, "joy": 0.3, "anger": 0.1}
TURNS_A_CALL = 5

_CALLS = """
INSERT INTO attempts (id, month, campaign_id, lead_id, number_id, attempt_no, caller_id_number,
    worker_id, state, event_seq, version, slot_at, intended_at, answered_at, ended_at, disposition,
    late, rehearsal)
SELECT md5(%(begun)s::text || n || %(rehearsal)s)::uuid,
       date_trunc('month', %(begun)s::timestamptz), l.campaign_id, l.lead_id, l.number_id,
       (SELECT count(*) FROM attempts) + n, 1, gen_random_uuid(), 'ended', 1, 1, at, at, at,
       at + interval '1 minute', 'conversed_no_goal', false, %(rehearsal)s
FROM generate_series(1, %(calls)s) n
JOIN (SELECT campaign_id, lead_id, number_id, row_number() OVER (ORDER BY lead_id) AS k,
             count(*) OVER () AS many FROM campaign_leads) l ON l.k = 1 + n %% l.many
CROSS JOIN LATERAL (SELECT %(begun)s::timestamptz + n * interval '1 second' AS at) t
RETURNING id
"""
_TURNS = """
INSERT INTO turns (attempt_id, index, speaker, node, text_redacted, started_at, ended_at)
SELECT a.id, i, CASE WHEN i %% 2 = 0 THEN 'agent' ELSE 'caller' END, 'rating',
       CASE WHEN i %% 2 = 0 THEN 'How was it?' ELSE 'it was ' || repeat('so ', d %% 4) || d END,
       a.intended_at, a.intended_at
FROM attempts a CROSS JOIN generate_series(0, 2 * %(turns)s - 1) i
CROSS JOIN LATERAL (SELECT abs(hashtext(a.id::text || i)) %% 1000 AS d) x
WHERE a.id = ANY(%(ids)s)
"""
_ANSWERS = """
INSERT INTO model_predictions (attempt_id, turn_index, task, model_name, model_version, label,
    score, predicted_at)
SELECT t.attempt_id, t.index, %(task)s, 'voice-ai-' || %(task)s, %(version)s,
       (%(labels)s::text[])[1 + width_bucket(d / 1000.0, %(edges)s::float8[])],
       0.4 + 0.6 * (abs(hashtext(t.index || t.attempt_id::text)) %% 1000) / 1000.0, t.started_at
FROM turns t
CROSS JOIN LATERAL (SELECT abs(hashtext('say' || t.attempt_id || t.index)) %% 1000 AS d) x
WHERE t.attempt_id = ANY(%(ids)s) AND t.speaker = 'caller'
  AND abs(hashtext('hear' || t.attempt_id || t.index)) %% 1000 >= %(silent)s
"""


def heard(
    office: Office,
    begun: datetime,
    *,
    calls: int,
    rehearsal: bool,
    mix: Mapping[str, float] = MIX,
    task: str = "emotion",
    version: str = "1",
    silent: int = 0,
) -> None:
    """Ended calls of five caller turns each, a call a second; `silent` in a thousand turns get no
    answer. The draws hang on the arguments alone."""
    values = {"begun": begun, "calls": calls, "rehearsal": rehearsal, "turns": TURNS_A_CALL}
    ids = [row["id"] for row in office.db.execute(_CALLS, values)]
    labels, edges = list(mix), list(accumulate(mix.values()))[:-1]
    office.db.execute(_TURNS, {**values, "ids": ids})
    said = {"task": task, "version": version, "labels": labels, "edges": edges, "silent": silent}
    office.db.execute(_ANSWERS, {**said, "ids": ids})


def serve_small_emotion(home: Path) -> None:
    """A model of two feelings, learnt from a few words, as version 1."""
    words = {
        "joy": ("lovely", "so glad", "great", "how lovely", "it was great"),
        "anger": ("oh no", "awful", "so bad", "it was awful", "no no"),
    }
    rows = tuple(example(text, label) for label, texts in words.items() for text in texts)
    made = fit(Dataset("small", rows), seed=7, progress=lambda share, what: None)
    skops.io.dump(made.pipeline, path := home / "small.skops")
    answer = reference(made.pipeline, made.settings, ["how lovely"])[0].tolist()
    manifest = Manifest(
        task="emotion",
        kind="text",
        model_name="voice-ai-emotion",
        version="1",
        sha256=file_sha256(path),
        parameters_sha256=made.fingerprint,
        labels=made.labels,
        settings=made.settings,
        dataset="small",
        dataset_sha256=made.dataset.sha256,
        metrics={},
        golden=(Golden("how lovely", dict(zip(made.labels, answer, strict=True))),),
    )
    deploy(path, manifest, home)
