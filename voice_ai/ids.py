"""Ids as types, so that one cannot be handed in for another."""

from typing import NewType
from uuid import UUID

CampaignId = NewType("CampaignId", UUID)
LeadId = NewType("LeadId", int)
NumberId = NewType("NumberId", int)
AttemptId = NewType("AttemptId", UUID)
WorkerId = NewType("WorkerId", UUID)
CarrierSid = NewType("CarrierSid", str)
