"""Every metric there is, by name: what docs/metrics.md, the pages' explanations and Explore list.

A subject's module defines its metrics beside the functions that compute them and is named here.
"""

from pipelines.metrics import definitions
from pipelines.metrics.contract import Metric

SUBJECTS: tuple[tuple[Metric, ...], ...] = (tuple(definitions.METRICS.values()),)
ALL: dict[str, Metric] = {metric.name: metric for subject in SUBJECTS for metric in subject}
