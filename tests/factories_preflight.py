"""The facts of a pre-flight on which everything is green."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from voice_ai.conversation.script import builtin_scripts, check_script
from voice_ai.preflight import Facts
from voice_ai.preflight.check import Failed
from voice_ai.preflight.law import LawFacts
from voice_ai.preflight.lists import DryRun, Import, Pace
from voice_ai.preflight.machines import DatabaseFacts, MachineFacts, ModelFacts, RoundTrip
from voice_ai.preflight.vendors import (
    AccountFacts,
    BalanceFacts,
    CallerId,
    Forecast,
    Limits,
    QuotaFacts,
    SampleFacts,
    VoiceFacts,
)
from voice_ai.vitals import Disk

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
SCRIPT, _ = check_script(builtin_scripts()["satisfaction_survey"], source="test")
RUN = DryRun(ready=100, asked=100, now=90, soon=5, later=5, never=0, policy_hash="ab")
LINE = CallerId("line 1", True, "active", True, NOW - timedelta(days=1), 80.0, True)
DATABASE = DatabaseFacts(2.0, 10, 100, 0.01, 0.2, {"dialer": 1, "server": 1}, stray_events=False)
TRIP = RoundTrip("https://calls.example", True, True, 0.02, 0.01)
GONE = Failed("no answer within 8 s")
GREEN = Facts(
    campaign_id="c1",
    state="draft",
    rehearsal=False,
    now=NOW,
    imports=(Import(NOW - timedelta(days=1), 100, 98, 1, 1),),
    dry_run=RUN,
    pace=Pace(10, 1.0, 13.0, frozenset(range(5)), 2.0),
    max_leads=None,
    law=LawFacts(SCRIPT, (), 25, RUN),
    switches=(),
    caller_ids={7: LINE, 8: replace(LINE, label="line 2")},
    not_owned=None,
    account=AccountFacts("Full", "active"),
    balance=BalanceFacts(100.0, "USD"),
    forecast=Forecast(100, 0.014, "USD", 1.2, 80),
    limits=Limits(10, 1.0, 50, 5.0),
    voice=VoiceFacts("v1", True, QuotaFacts(100_000), SampleFacts(0.2, 8000), 5_000),
    machines=MachineFacts(
        ModelFacts({"intent": "3"}, {}), TRIP, DATABASE, Disk(10**12, 5 * 10**11), 0
    ),
)
