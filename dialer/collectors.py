"""What is read at the moment of a scrape: the machine, connection pools, the day's calls."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from voice_ai.db.connect import Pool
from voice_ai.vitals import disk_of

_POOL_COUNTS = {
    "requests_num": ("voice_ai_db_pool_requests", "Connections asked for"),
    "requests_errors": ("voice_ai_db_pool_request_errors", "Connections that nobody got in time"),
    "connections_lost": ("voice_ai_db_pool_connections_lost", "Connections that broke"),
}


class MachineCollector(Collector):
    """Processor, memory, disk and network of the machine, and the disk of the home."""

    def __init__(self, home: Path) -> None:
        self._home = home
        psutil.cpu_percent(None)  # the first reading is only a beginning

    def collect(self) -> Iterator[Metric]:
        yield _gauge(
            "voice_ai_machine_cpu_usage_ratio",
            "Busy share of all processors since the scrape before",
            psutil.cpu_percent(None) / 100,
        )
        yield _gauge(
            "voice_ai_machine_load_average", "Load average of one minute", psutil.getloadavg()[0]
        )
        memory = psutil.virtual_memory()
        yield _labelled(
            "voice_ai_machine_memory_bytes",
            "Memory of the machine",
            "state",
            {"total": memory.total, "available": memory.available, "used": memory.used},
        )
        disk = disk_of(self._home)
        yield _labelled(
            "voice_ai_home_disk_bytes",
            "The disk that the home is on",
            "state",
            {"total": disk.total_bytes, "free": disk.free_bytes},
        )
        yield from self._traffic()

    @staticmethod
    def _traffic() -> Iterator[Metric]:
        network = psutil.net_io_counters()
        yield _counted(
            "voice_ai_machine_network_bytes",
            "Traffic of all network cards",
            "direction",
            {"received": network.bytes_recv, "sent": network.bytes_sent},
        )
        yield _counted(
            "voice_ai_machine_network_errors",
            "Packets that were faulty or dropped",
            "direction",
            {
                "received": network.errin + network.dropin,
                "sent": network.errout + network.dropout,
            },
        )
        disk = psutil.disk_io_counters()
        if disk is not None:  # not every container may see it
            yield _counted(
                "voice_ai_machine_disk_io_bytes",
                "Read from and written to all disks",
                "direction",
                {"read": disk.read_bytes, "written": disk.write_bytes},
            )


class PoolCollector(Collector):
    """The statistics that psycopg's pools keep themselves, by the pool's use."""

    def __init__(self, pools: Mapping[str, Pool]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        told = {name: pool.get_stats() for name, pool in self._pools.items()}
        connections = GaugeMetricFamily(
            "voice_ai_db_pool_connections",
            "Connections of a pool; max is what it may open",
            labels=("pool", "state"),
        )
        waiting = GaugeMetricFamily(
            "voice_ai_db_pool_waiting", "Who waits for a connection now", labels=("pool",)
        )
        waited = CounterMetricFamily(
            "voice_ai_db_pool_wait_seconds", "Time waited for connections", labels=("pool",)
        )
        for pool, stats in told.items():
            for state, key in (
                ("max", "pool_max"),
                ("open", "pool_size"),
                ("idle", "pool_available"),
            ):
                connections.add_metric((pool, state), stats.get(key, 0))
            waiting.add_metric((pool,), stats.get("requests_waiting", 0))
            waited.add_metric((pool,), stats.get("requests_wait_ms", 0) / 1000)
        yield from (connections, waiting, waited)
        for key, (name, about) in _POOL_COUNTS.items():
            counter = CounterMetricFamily(name, about, labels=("pool",))
            for pool, stats in told.items():
                counter.add_metric((pool,), stats.get(key, 0))
            yield counter


@dataclass(eq=False)
class DayCollector(Collector):
    """The last 24 hours as Postgres has them; whoever scrapes fills in `rows` first."""

    rows: Sequence[Mapping[str, Any]] = ()

    def collect(self) -> Iterator[Metric]:
        calls = GaugeMetricFamily(
            "voice_ai_calls_last_day",
            "Attempts that ended in the last 24 hours, by disposition and whether it is the goal",
            labels=("disposition", "goal"),
        )
        for row in self.rows:
            calls.add_metric((row["disposition"], "yes" if row["goal"] else "no"), row["n"])
        yield calls
        reached = sum(row["n"] for row in self.rows if row["reached_carrier"])
        goals = sum(row["n"] for row in self.rows if row["goal"])
        if reached:
            yield _gauge(
                "voice_ai_goal_per_dial_last_day_ratio",
                "Goals reached per dial that the carrier took, last 24 hours",
                goals / reached,
            )
        timed = sum(row["timed"] for row in self.rows)
        if timed:
            yield _gauge(
                "voice_ai_call_duration_last_day_seconds",
                "Mean duration of answered calls as the carrier told it, last 24 hours",
                sum(row["seconds"] or 0 for row in self.rows) / timed,
            )


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=value)


def _labelled(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family


def _counted(name: str, about: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, about, labels=(label,))
    for key, value in values.items():
        family.add_metric((key,), value)
    return family
