"""May this lead be called now? Pure, total, fails closed."""

from voice_ai.compliance.decide import decide
from voice_ai.compliance.facts import (
    FINAL_REASONS,
    CampaignFacts,
    Decision,
    LeadFacts,
    OwnConsent,
    Reason,
)
from voice_ai.compliance.terms import Policy
from voice_ai.compliance.windows import is_open, next_open

__all__ = [
    "FINAL_REASONS",
    "CampaignFacts",
    "Decision",
    "LeadFacts",
    "OwnConsent",
    "Policy",
    "Reason",
    "decide",
    "is_open",
    "next_open",
]
