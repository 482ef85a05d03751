"""Every metric there is, by name: what docs/metrics.md, the pages' explanations and Explore list.

A subject's module defines its metrics beside the functions that compute them and is named here.
"""

from pipelines.metrics import (
    abandonment,
    answering,
    conversations,
    definitions,
    experiments,
    jumps,
    quality,
    script_nodes,
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
)
ALL: dict[str, Metric] = {metric.name: metric for subject in SUBJECTS for metric in subject}
