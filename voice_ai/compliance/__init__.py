"""May this lead be called now? Pure, total, fails closed."""

from voice_ai.compliance.decide import (
    CampaignFacts,
    Decision,
    LeadFacts,
    Policy,
    Reason,
    decide,
)
from voice_ai.compliance.windows import is_open, next_open

__all__ = [
    "CampaignFacts",
    "Decision",
    "LeadFacts",
    "Policy",
    "Reason",
    "decide",
    "is_open",
    "next_open",
]
