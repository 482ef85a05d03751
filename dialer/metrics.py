"""What the server counts for Prometheus. Labels are small closed sets, never a person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

_LATENCY_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0)


class ServerMetrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
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
        self.live_conversations = Gauge(
            "voice_ai_live_conversations", "Conversations held now", registry=self.registry
        )
        self.conversations = Counter(
            "voice_ai_conversations_total",
            "Conversations by how they ended",
            ("end_reason",),
            registry=self.registry,
        )
        self.response_seconds = Histogram(
            "voice_ai_turn_response_seconds",
            "End of the person's speech to first audio of the answer",
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.attempts = Gauge(
            "voice_ai_attempts", "Attempts by state", ("state",), registry=self.registry
        )
        self.database_up = Gauge(
            "voice_ai_database_up", "1 when the database answered", registry=self.registry
        )
