"""Every metric there is, by name: what docs/metrics.md, the pages' explanations and Explore list.

A subject's module defines its metrics beside the functions that compute them and is named here.
"""

from pipelines.metrics import (
    abandonment,
    answering,
    best_time,
    caller_changes,
    conversations,
    costs,
    definitions,
    experiments,
    forecast,
    jumps,
    lead_paths,
    quality,
    script_nodes,
    survival,
    trajectory,
)
from pipelines.metrics.contract import Metric

SUBJECTS: tuple[tuple[Metric, ...], ...] = (
    tuple(definitions.METRICS.values()),
    conversations.METRICS,
    script_nodes.METRICS,
    answering.METRICS,
    quality.METRICS,
    abandonment.METRICS,
    trajectory.METRICS,
    jumps.METRICS,
    experiments.METRICS,
    best_time.METRICS,
    survival.METRICS,
    lead_paths.METRICS,
    forecast.METRICS,
    caller_changes.METRICS,
    costs.METRICS,
)
ALL: dict[str, Metric] = {metric.name: metric for subject in SUBJECTS for metric in subject}
