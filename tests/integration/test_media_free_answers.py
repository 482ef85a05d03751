"""Free-form answers in whole calls over real sockets: carrier, speech and model are simulated."""

from pathlib import Path

import pytest

from dialer.adapters.openai_compatible import ChatCompletions
from tests.integration.media_calls import Held, desk
from tests.integration.test_media_calls import NUMBER, config
from voice_ai.conversation import load_script

FILE = Path(__file__).parents[1] / "scenarios" / "clinic.script.yaml"
SCRIPT = load_script(
    FILE.read_text(encoding="utf-8").replace(
        "facts: The visit takes 40 minutes, and you need not fast before it.",
        "facts: You and everything else that was very good are on our list.",
    ),
    source=FILE.name,
)


async def held(model: str) -> Held:
    async with desk(config("pleased", speed=12.0), SCRIPT) as it:
        it.clerk.answerer = answerer = ChatCompletions.connect(it.carrier.url, model)
        try:
            return await it.call(NUMBER)
        finally:
            await answerer.close()


@pytest.mark.parametrize(
    ("model", "outcomes"),
    [
        ("simulated", {"spoken", "unknown"}),
        ("simulated-human", {"denies_ai"}),
        ("simulated-rate_limited", {"busy"}),
    ],
)
async def test_a_question_is_answered_or_the_fallback_is_said(
    model: str, outcomes: set[str]
) -> None:
    call = await held(model)
    said = call.log.said_by("agent")
    asked = call.log.of("answered_freely")
    assert asked
    assert set(asked) <= outcomes
    assert any("our desk does" in line for line in said) == (asked != ["spoken"] * len(asked))
    assert not any("real person" in line for line in said)
    assert said[-1] == "Thank you. Goodbye."
    answers = [turn for turn in call.log.turns if turn.speaker == "agent" and turn.mind_ms]
    assert len(answers) == len(asked)
