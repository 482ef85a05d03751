"""Arms of an experiment: who is in which, what each hears, what is refused."""

from collections import Counter

import pytest

from voice_ai.conversation.draw import dot
from voice_ai.conversation.experiments import Experiment
from voice_ai.conversation.prompts import prompts
from voice_ai.conversation.script import Script, builtin_scripts, check_script, load_script
from voice_ai.conversation.step import begin, step
from voice_ai.conversation.trial import begin_trial
from voice_ai.conversation.turns import Ask, Say, Speech
from voice_ai.errors import BadInput

SLOTS = {"seller": "Acme", "callback_number": "+18005550100"}
HEAD = "experiment: {name: ask_kindly, arms: {a: 0.5, b: 0.5}}\n\nslots:\n"
TEXT = (
    builtin_scripts()["satisfaction_survey"]
    .replace("slots:\n", HEAD, 1)
    .replace(
        "ask: May I ask them now?",
        """ask: {a: "May I ask them now?", b: 'Is now a good moment?'}""",
    )
    .replace(
        "say: Thank you for being frank.",
        "say:\n      - {a: Thank you for being frank., b: That is good to know.}",
    )
)


@pytest.fixture(scope="module")
def survey() -> Script:
    return load_script(TEXT, source="s.yaml")


def faults_of(old: str, new: str) -> list[str]:
    assert TEXT.count(old) == 1
    return [fault.message for fault in check_script(TEXT.replace(old, new), source="s.yaml")[1]]


@pytest.mark.parametrize(
    "shares", [(0.5, 0.5), (0.3, 0.7), (0.333, 0.333, 0.334), (0.9, 0.099, 0.001)]
)
def test_arms_are_counted_out_within_each_stratum(shares: tuple[float, ...]) -> None:
    experiment = Experiment(name="one", arms=dict(zip("abc", shares, strict=False)))
    drawn = [experiment.arm_at("east", place) for place in range(2000)]
    given: Counter[str] = Counter()
    for place, arm in enumerate(drawn, 1):
        given[arm] += 1
        for name, share in experiment.arms.items():
            # Half a block of 20 in the middle of one, nothing of it at its end.
            assert abs(given[name] - share * place) < (7 if place % 20 else 1.001)
    assert drawn == [experiment.arm_at("east", place) for place in range(2000)]
    assert given == {name: round(2000 * share) for name, share in experiment.arms.items()}


def test_strata_experiments_and_laps_are_drawn_apart() -> None:
    halves = {"a": 0.5, "b": 0.5}
    one, two = Experiment(name="one", arms=halves), Experiment(name="two", arms=halves)
    east, west, other = (
        "".join(experiment.arm_at(stratum, place) for place in range(400))
        for experiment, stratum in ((one, "east"), (one, "west"), (two, "east"))
    )
    for text in (west, other):
        same = sum(x == y for x, y in zip(east, text, strict=True))
        assert same == pytest.approx(200, abs=60)
    blocks = {east[begin : begin + 4] for begin in range(0, 400, 4)}
    assert len(blocks) == 6, "every order of two and two comes up"


def test_each_arm_hears_its_own_words_to_the_end(survey: Script) -> None:
    for arm, question, thanks in (
        ("a", "May I ask them now?", "Thank you for being frank."),
        ("b", "Is now a good moment?", "That is good to know."),
    ):
        state, actions = begin(survey, SLOTS, arm=arm)
        assert isinstance(actions[-1], Ask)
        assert actions[-1].text == question
        state, _ = step(survey, state, Speech("yes"))
        state, actions = step(survey, state, Speech("one"))
        assert [action.text for action in actions if isinstance(action, Say)] == [thanks]
        assert state.arm == arm


def test_all_arms_are_rendered_ahead_and_have_keys_of_their_own(survey: Script) -> None:
    ahead = {prompt.text: prompt.key for prompt in prompts(survey, SLOTS)}
    assert {"May I ask them now?", "Is now a good moment?", "That is good to know."} <= set(ahead)
    assert ahead["May I ask them now?"] != ahead["Is now a good moment?"]


def test_wordings_stand_side_by_side_in_the_picture(survey: Script) -> None:
    assert "May I ask them now? |" in dot(survey)


def test_a_trial_is_held_in_an_arm(survey: Script) -> None:
    trial = begin_trial(survey, dict(SLOTS), arm="b")
    assert trial.exchanges[0].said[-1] == "Is now a good moment?"
    with pytest.raises(BadInput, match="there is no arm 'c'; the script has: a, b"):
        begin_trial(survey, dict(SLOTS), arm="c")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "b: 'Is now",
            "c: 'Is now",
            "s.yaml:29, field nodes.opening.ask: the arm `b` has no wording here; write one for"
            " each of a, b.",
        ),
        (
            "moment?'",
            "moment'",
            's.yaml:29, field nodes.opening.ask.b: a question must end with "?" and contain no'
            " other one.",
        ),
        (
            "disclose: I am an automated A I assistant on a recorded line.",
            "disclose: {a: I am an automated A I assistant on a recorded line., b: It is me on a"
            " recorded line.}",
            "s.yaml:26, field nodes.opening.disclose.b: the disclosure must say that the caller is"
            " an A I assistant.",
        ),
        (
            "arms: {a: 0.5, b: 0.5}",
            "arms: {a: 0.5, b: 0.4}",
            "s.yaml:9, field experiment.arms: the shares of the arms add up to 0.9; they must"
            " make 1.",
        ),
        (
            "arms: {a: 0.5, b: 0.5}}",
            "arms: {a: 0.5, b: 0.5},\n  stop: never}",
            "s.yaml:10, field experiment.stop: `never` is not known here; use 'automatic' or"
            " 'by hand'.",
        ),
        (
            "arms: {a: 0.5, b: 0.5}}",
            "arms: {a: 0.5, b: 0.5}, guardrails: [opt_outs, opt_outs]}",
            "s.yaml:9, field experiment.guardrails: a guardrail is named once.",
        ),
        (
            "arms: {a: 0.5, b: 0.5}}",
            "arms: {a: 0.5, b: 0.5}, metric: joy}",
            "s.yaml:9, field experiment.metric: `joy` is not known here; use"
            " 'goals_per_assigned_lead'.",
        ),
        (
            "arms: {a: 0.5, b: 0.5}}",
            "arms: {a: 0.5, b: 0.5}, baseline: 0.96}",
            "s.yaml:9, field experiment: `baseline` and `minimal_effect` together must stay below"
            " 1.",
        ),
        (
            "experiment: {name: ask_kindly, arms: {a: 0.5, b: 0.5}}\n",
            "",
            "s.yaml:28, field nodes.opening.ask: wordings by arm need an `experiment` with `name`"
            " and `arms` at the top.",
        ),
    ],
)
def test_what_is_wrong_in_an_arm_is_told_with_its_line(old: str, new: str, fault: str) -> None:
    assert fault in faults_of(old, new)


def test_an_experiment_without_two_wordings_is_refused() -> None:
    text = builtin_scripts()["satisfaction_survey"].replace("slots:\n", HEAD, 1)
    (fault,) = check_script(text, source="s.yaml")[1]
    assert fault.message.endswith("field experiment: no prompt has a wording for a, b …")
