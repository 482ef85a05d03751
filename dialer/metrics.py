"""What the server and the dialer count for Prometheus; docs/metrics-exported.md lists all of it.

Labels are small closed sets, never a person. A set of metrics that is made without a registry
counts for nobody: that is how a part is used where nothing is scraped.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from dialer.collectors import DayCollector, MachineCollector, PoolCollector
from dialer.ports import Prediction, TurnRecord
from voice_ai.db.connect import Pool

_LATENCY_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0)
_MODEL_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1)
_STAGES = {
    "endpoint": "endpoint_ms",
    "transcript": "stt_tail_ms",
    "mind": "mind_ms",
    "first_audio": "tts_first_byte_ms",
    "response": "response_ms",
}


def new_registry(home: Path | None = None) -> CollectorRegistry:
    """A registry that tells of this process, and of the machine when the home is given."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    if home is not None:
        registry.register(MachineCollector(home))
    return registry


class CarrierMetrics:
    """Requests to the carrier, by operation and how they ended."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.requests = Counter(
            "voice_ai_carrier_requests_total",
            "Requests to the carrier by operation and outcome",
            ("operation", "outcome"),
            registry=registry,
        )
        self.seconds = Histogram(
            "voice_ai_carrier_request_seconds",
            "Time until the carrier answered or did not",
            ("operation",),
            buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0),
            registry=registry,
        )


class SpeechMetrics:
    """Requests to the speech vendor; synthesis also by characters, which is what it is paid by."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.requests = Counter(
            "voice_ai_speech_requests_total",
            "Requests to the speech vendor by operation and outcome",
            ("operation", "outcome"),
            registry=registry,
        )
        self.seconds = Histogram(
            "voice_ai_speech_request_seconds",
            "Time to the first audio (synthesis) or to an open session (recognition)",
            ("operation",),
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.characters = Counter(
            "voice_ai_speech_characters_total",
            "Characters sent to be spoken, cached prompts not counted",
            registry=registry,
        )

    @contextmanager
    def watched(self, operation: str) -> Iterator["Watched"]:
        """Counts one request; an exception that leaves the block is its error."""
        request = Watched(self, operation)
        outcome = "error"
        try:
            yield request
            outcome = "ok"
        except (GeneratorExit, asyncio.CancelledError):  # nobody listens: barge-in, hang-up
            outcome = "cut"
            raise
        finally:
            self.requests.labels(operation, outcome).inc()


class Watched:
    """One request on its way."""

    def __init__(self, metrics: SpeechMetrics, operation: str) -> None:
        self._metrics = metrics
        self._operation = operation
        self._started: float | None = time.perf_counter()

    def answered(self) -> None:
        """The first useful answer; later ones do not count."""
        if self._started is not None:
            took = time.perf_counter() - self._started
            self._metrics.seconds.labels(self._operation).observe(took)
            self._started = None


class AnswerMetrics:
    """Free-form answers: how quick the model is, and what becomes of its words."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.first_token_seconds = Histogram(
            "voice_ai_answer_first_token_seconds",
            "Time until a language model began its answer",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.free_answers = Counter(
            "voice_ai_free_answers_total",
            "Free-form answers: spoken, or why the fallback was",
            ("outcome",),
            registry=registry,
        )


class ConversationMetrics:
    """How quick the agent answers, and what the models heard."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.live = Gauge(
            "voice_ai_live_conversations", "Conversations held now", registry=registry
        )
        self.tasks = Gauge(
            "voice_ai_asyncio_tasks",
            "Tasks alive in this process; without calls it stays where it was",
            registry=registry,
        )
        self.ended = Counter(
            "voice_ai_conversations_total",
            "Conversations by how they ended",
            ("end_reason",),
            registry=registry,
        )
        self.response_seconds = Histogram(
            "voice_ai_turn_response_seconds",
            "End of the person's speech to first audio of the answer",
            buckets=_LATENCY_BUCKETS,
            registry=registry,
        )
        self.stage_seconds = Histogram(
            "voice_ai_turn_stage_seconds",
            "Where the time of an answer goes, by stage",
            ("stage",),
            buckets=(0.005, 0.02, *_LATENCY_BUCKETS),
            registry=registry,
        )
        self.answers = AnswerMetrics(registry)
        self.predictions = Counter(
            "voice_ai_predictions_total",
            "Predictions on what people said, by task, label and version of the model",
            ("task", "label", "version"),
            registry=registry,
        )
        self.prediction_seconds = Histogram(
            "voice_ai_prediction_seconds",
            "Time of one prediction, by task",
            ("task",),
            buckets=_MODEL_BUCKETS,
            registry=registry,
        )

    def turn(self, turn: TurnRecord) -> None:
        for stage, name in _STAGES.items():
            took: float | None = getattr(turn, name)
            if took is not None:
                # An agent's "mind" is a language model's, which is another matter.
                label = "answer" if (stage, turn.speaker) == ("mind", "agent") else stage
                self.stage_seconds.labels(label).observe(took / 1000)
        if turn.response_ms is not None:
            self.response_seconds.observe(turn.response_ms / 1000)
        for prediction in turn.predictions:
            self._predicted(prediction)

    def _predicted(self, prediction: Prediction) -> None:
        version = f"{prediction.model_name}:{prediction.version}"
        self.predictions.labels(prediction.task, prediction.label, version).inc()
        self.prediction_seconds.labels(prediction.task).observe(prediction.latency_us / 1e6)


class ShadowMetrics:
    """Candidates that listen: what they would have heard, beside the champion."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.predictions = Counter(
            "voice_ai_shadow_predictions_total",
            "What candidates made of turns, by whether the champion said the same",
            ("task", "slot", "version", "agrees"),
            registry=registry,
        )
        self.dropped = Counter(
            "voice_ai_shadow_dropped_total",
            "Turns that no candidate's word was kept of, by why",
            ("reason",),
            registry=registry,
        )

    def heard(self, task: str, slot: str, version: str, *, agrees: bool) -> None:
        self.predictions.labels(task, slot, version, "yes" if agrees else "no").inc()


class OnlookerMetrics:
    """Messages to those who look on at live calls."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.messages = Counter(
            "voice_ai_live_messages_total",
            "Messages about live calls to the pages, by what became of them",
            ("outcome",),
            registry=registry,
        )


class WatchMetrics:
    """What the daily watch over models measured last, by measure as it is called there."""

    _DRIFT: Mapping[str, int] = {"stable": 0, "watch": 1, "act": 2}

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        both = ("task", "version")

        def gauge(name: str, about: str, labels: tuple[str, ...] = both) -> Gauge:
            return Gauge(f"voice_ai_model_{name}", about, labels, registry=registry)

        self._psi = gauge(
            "psi", "Population stability index against the reference", (*both, "measure")
        )
        self._drift = gauge(
            "drift", "Worst verdict of a version: 0 stable, 1 watch, 2 act; absent: too few turns"
        )
        self._of = {
            "label_shift": gauge(
                "label_shift_ratio", "Estimated share of turns whose true label has changed"
            ),
            "unknown_words": gauge("unknown_words_ratio", "Words that the model has no entry for"),
            "missing": gauge("missing_ratio", "Caller turns that no model answered for"),
            "accuracy": gauge("accuracy_ratio", "Accuracy on turns that people labelled"),
            "ece": gauge("calibration_error_ratio", "Expected calibration error on those turns"),
            "kappa": gauge("labeller_kappa_ratio", "Cohen's kappa of two labellers"),
        }

    def fill(self, figures: Iterable[Mapping[str, Any]]) -> None:
        """`figures`: task, model_version, measure, value and verdict of the newest day."""
        for gauge in (self._psi, self._drift, *self._of.values()):
            gauge.clear()
        worst: dict[tuple[str, str], int] = {}
        for row in figures:
            key, measure = (row["task"], row["model_version"]), row["measure"]
            if row["verdict"] in self._DRIFT:
                worst[key] = max(worst.get(key, 0), self._DRIFT[row["verdict"]])
            if row["value"] is None:
                continue
            if measure.startswith("psi_"):
                self._psi.labels(*key, measure.removeprefix("psi_")).set(row["value"])
            elif measure in self._of:
                self._of[measure].labels(*key).set(row["value"])
        for key, verdict in worst.items():
            self._drift.labels(*key).set(verdict)


class ServerMetrics:
    """Everything that the server's /metrics shows."""

    def __init__(self, home: Path | None = None) -> None:
        self.registry = new_registry(home)
        self.carrier = CarrierMetrics(self.registry)
        self.speech = SpeechMetrics(self.registry)
        self.talk = ConversationMetrics(self.registry)
        self.conversations = self.talk.ended
        self.onlookers = OnlookerMetrics(self.registry)
        self.watched = WatchMetrics(self.registry)
        self.shadows = ShadowMetrics(self.registry)
        self.day = DayCollector()
        self.registry.register(self.day)
        self._count_requests()
        self._count_work()

    def _count_requests(self) -> None:
        self.requests = Counter(
            "voice_ai_http_requests_total",
            "HTTP requests by route and status",
            ("route", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "voice_ai_http_request_seconds",
            "Time to answer, by route",
            ("route",),
            registry=self.registry,
        )
        self.bad_signatures = Counter(
            "voice_ai_bad_signatures_total",
            "Callbacks refused because they were not signed by the carrier",
            registry=self.registry,
        )

    def _count_work(self) -> None:
        self.attempts = Gauge(
            "voice_ai_attempts", "Attempts by state", ("state",), registry=self.registry
        )
        self.processes = Gauge(
            "voice_ai_processes_alive",
            "Processes with a fresh heartbeat, by kind",
            ("kind",),
            registry=self.registry,
        )
        self.open_requests = Gauge(
            "voice_ai_open_requests",
            "Commands and flow requests that nobody has taken up, by queue",
            ("queue",),
            registry=self.registry,
        )
        self.queue_seconds = Gauge(
            "voice_ai_open_request_age_seconds",
            "Age of the oldest open one, by queue",
            ("queue",),
            registry=self.registry,
        )
        self.opt_outs_waiting = Gauge(
            "voice_ai_opt_outs_waiting",
            "Opt-outs in the spool that wait for the database",
            registry=self.registry,
        )
        self._count_models()

    def _count_models(self) -> None:
        self.models = Gauge(
            "voice_ai_model_served",
            "1 for the version that answers, by task",
            ("task", "version"),
            registry=self.registry,
        )
        self.models_refused = Gauge(
            "voice_ai_model_refused",
            "1 while the newest model of the task is refused and an older one or none answers",
            ("task",),
            registry=self.registry,
        )
        self.candidates = Gauge(
            "voice_ai_model_candidate_share",
            "Share of the calls that a candidate answers; 0 for one that only listens",
            ("task", "slot", "version"),
            registry=self.registry,
        )
        self.database_up = Gauge(
            "voice_ai_database_up", "1 when the database answered", registry=self.registry
        )

        self.database_bytes = Gauge(
            "voice_ai_database_bytes", "Size of the database", registry=self.registry
        )

    def watch(self, pools: Mapping[str, Pool]) -> None:
        self.registry.register(PoolCollector(pools))


class WorkerMetrics:
    """Everything that a dialer's own port shows."""

    def __init__(self, home: Path | None = None) -> None:
        self.registry = new_registry(home)
        self.carrier = CarrierMetrics(self.registry)
        self.claims = Counter(
            "voice_ai_dialer_intents_total", "Leads claimed to be dialed", registry=self.registry
        )
        self.sends = Counter(
            "voice_ai_dialer_sends_total",
            "Intents by what became of them at the gate and at the carrier",
            ("outcome",),
            registry=self.registry,
        )
        self.sending = Gauge(
            "voice_ai_dialer_sends_in_progress", "Intents on their way now", registry=self.registry
        )
        self.commands = Counter(
            "voice_ai_dialer_commands_obeyed_total",
            "Commands of people obeyed",
            registry=self.registry,
        )
        self.reconciled = Counter(
            "voice_ai_dialer_reconciled_total",
            "Attempts that were brought to their end by asking the carrier",
            registry=self.registry,
        )
        self.database_losses = Counter(
            "voice_ai_dialer_database_losses_total",
            "Rounds that the database did not answer",
            registry=self.registry,
        )
        self.round_seconds = Histogram(
            "voice_ai_dialer_round_seconds",
            "Time of one round of work, by kind",
            ("round",),
            buckets=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
            registry=self.registry,
        )
        self.heartbeat = Gauge(
            "voice_ai_dialer_heartbeat_timestamp_seconds",
            "When the last heartbeat was written; 0: not yet",
            registry=self.registry,
        )

    def watch(self, pools: Mapping[str, Pool]) -> None:
        self.registry.register(PoolCollector(pools))
