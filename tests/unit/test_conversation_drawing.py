"""Scripts as pictures, and as prompts to render ahead."""

import re

import pytest

from voice_ai.conversation.draw import Edge, adjacency, edges, mermaid
from voice_ai.conversation.prompts import prompts
from voice_ai.conversation.script import Script, builtin_scripts, load_script
from voice_ai.conversation.step import begin, step
from voice_ai.conversation.turns import Ask, Say, Silence, Speech
from voice_ai.errors import BadInput

SLOTS = {"seller": "Lakeside Clinic", "callback_number": "+18005550100"}


@pytest.fixture(scope="module")
def survey() -> Script:
    return load_script(builtin_scripts()["satisfaction_survey"], source="survey")


def test_every_way_is_an_edge_with_what_takes_it(survey: Script) -> None:
    assert Edge("opening", "yes", "rate") in edges(survey)
    assert Edge("rate", "rating 1-2", "unhappy") in edges(survey)
    assert Edge("rate", "else", "thanks") in edges(survey)
    assert Edge("happy", "", "thanks") in edges(survey)
    assert adjacency(survey)["opening"] == ("rate", "declined")
    assert adjacency(survey)["thanks"] == ()


def test_mermaid_shows_every_node_and_edge_with_safe_labels(survey: Script) -> None:
    text = mermaid(survey)
    assert text.startswith("flowchart TD\n")
    for name in survey.nodes:
        assert re.search(rf"^    n_{name}\W", text, re.MULTILINE)
    assert text.count("-->") == len(edges(survey))
    assert "class n_opening start" in text
    assert "class n_unhappy,n_happy goal" in text
    assert "class n_thanks ending" in text


def test_words_of_a_script_cannot_break_out_of_their_label() -> None:
    text = builtin_scripts()["satisfaction_survey"]
    text = text.replace("May I ask them now?", 'May {lead_name}\'s "<b>`team`" answer now?')
    drawn = mermaid(load_script(text, source="survey"))
    label = next(line for line in drawn.splitlines() if "n_opening{{" in line)
    assert "May #123;lead_name#125;" in label
    assert label.count('"') == 2
    assert "<b>" not in label
    assert "`" not in label


def test_prompts_are_what_the_calls_of_a_campaign_will_say(survey: Script) -> None:
    ahead = {prompt.key: prompt.text for prompt in prompts(survey, SLOTS)}
    state, actions = begin(survey, SLOTS)
    said = list(actions)
    for heard in (Speech("are you a robot"), Silence(6), Speech("yes"), Speech("two"), Speech("x")):
        state, actions = step(survey, state, heard)
        said += actions
    spoken = [action for action in said if isinstance(action, Say | Ask)]
    assert len(spoken) > 10
    for action in spoken:
        assert action.key is not None
        assert ahead[action.key] == action.text


def test_prompt_with_a_leads_own_value_is_not_rendered_ahead(survey: Script) -> None:
    _, actions = begin(survey, SLOTS | {"lead_name": "MERCY HOSPITAL"})
    personal = [a for a in actions if isinstance(a, Say | Ask) and a.key is None]
    assert [action.text for action in personal] == [
        "I have two short questions for Mercy Hospital."
    ]


def test_required_value_of_the_lead_makes_its_prompts_personal() -> None:
    text = builtin_scripts()["satisfaction_survey"]
    text = text.replace("speak: name, default: your team}", "speak: name, required: true}")
    script = load_script(text, source="survey")
    _, actions = begin(script, SLOTS | {"lead_name": "Mercy Hospital"})
    assert [a.key is None for a in actions if isinstance(a, Say | Ask)] == [0, 0, 0, 1, 0]
    assert not any(
        "Mercy" in prompt.text or "two short" in prompt.text for prompt in prompts(script, SLOTS)
    )


def test_key_changes_with_the_words(survey: Script) -> None:
    keys = {prompt.key for prompt in prompts(survey, SLOTS)}
    other = {prompt.key for prompt in prompts(survey, SLOTS | {"seller": "Hill Clinic"})}
    assert keys - other
    assert keys & other
    with pytest.raises(BadInput, match="seller"):
        prompts(survey, {})
