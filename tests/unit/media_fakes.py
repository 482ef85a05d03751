"""The world around a media session, for tests; it is the product's own (`dialer.virtual`)."""

from dialer.virtual.world import (
    FRAME,
    LOUD,
    SILENT,
    SLOTS,
    START,
    Call,
    FakeEars,
    FakeEarsFactory,
    FakeLine,
    FakeMind,
    FakeVoice,
    Guess,
    KeptLog,
    VirtualClock,
)

__all__ = [
    "FRAME",
    "LOUD",
    "SILENT",
    "SLOTS",
    "START",
    "Call",
    "FakeEars",
    "FakeEarsFactory",
    "FakeLine",
    "FakeMind",
    "FakeVoice",
    "Guess",
    "KeptLog",
    "VirtualClock",
]
