"""The shipped models: figures on held-out texts, and behaviour that no figure shows.

None of the sentences here is in the training data.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ml.datasets import Example
from ml.evaluate import Evaluation, evaluate
from ml.gates import judge
from ml.judging import figures_of, rows_of
from ml.tasks import TASKS
from ml.text.cleaning import clean
from ml.text.kind import fit, load, serve
from ml.text.linear import LinearText
from voice_ai.answering import SURE
from voice_ai.conversation.answerers import Told, told_by, told_by_words
from voice_ai.conversation.turns import Speech
from voice_ai.conversation.understanding import opt_out_evidence

SHIPPED = {name: task for name, task in TASKS.items() if task.kind == "text" and task.has_data}

# A little below what was measured (docs/models.md).
MEASURED = {"intent": 0.92, "emotion": 0.91, "opt_out": 0.88, "answer": 0.74}
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def models() -> Mapping[str, LinearText]:
    made = {
        name: fit(load(task.data_file).part("train"), seed=7, progress=lambda share, what: None)
        for name, task in SHIPPED.items()
    }
    return {name: serve(one.pipeline, one.settings) for name, one in made.items()}


@pytest.fixture(scope="module")
def held_out(models: Mapping[str, LinearText]) -> Mapping[str, Evaluation]:
    return {
        name: evaluate(model, load(TASKS[name].data_file).part("heldout"), task=name)
        for name, model in models.items()
    }


def label(model: LinearText, text: str) -> str:
    return model.decision.label(model.probabilities(text), model.labels)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_held_out_figures_and_gate(
    models: Mapping[str, LinearText], held_out: Mapping[str, Evaluation], name: str
) -> None:
    judged = held_out[name]
    assert judged.metrics["macro_f1"] >= MEASURED[name]
    assert judged.metrics["ece"] <= 0.15
    task = TASKS[name]
    rows = rows_of(task, task.limits)
    assert rows is not None
    verdict = judge(task.limits, figures_of(task, models[name], rows, None), labels=task.labels)
    assert verdict.passed, verdict.reasons


def test_opt_out_is_recalled_on_held_out_texts(held_out: Mapping[str, Evaluation]) -> None:
    assert held_out["intent"].slices["label"]["opt_out"].accuracy >= 0.94


def is_heard(models: Mapping[str, LinearText], text: str) -> bool:
    """By words and models together, as in a call."""
    scores = models["intent"].probabilities(text)
    best = int(scores.argmax())
    second = models["opt_out"]
    speech = Speech(
        text,
        intent=models["intent"].labels[best],
        intent_score=float(scores[best]),
        opt_out_score=float(second.probabilities(text)[second.labels.index("opt_out")]),
    )
    return opt_out_evidence(speech) is not None


def test_words_and_models_together_hear_every_opt_out_of_the_set_written_for_it(
    models: Mapping[str, LinearText],
) -> None:
    """222 phrasings, a third of them held out from rules and data; 223 sentences that are none.

    Measured: all of them heard, 1 of the others too (0.4 %; of the 83 held out 1.2 %).
    """
    said, others = (
        (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        for name in ("opt_outs", "not_opt_outs")
    )
    assert [text for text in said if not is_heard(models, text)] == []
    assert sum(is_heard(models, text) for text in others) / len(others) < 0.01


def test_the_second_ear_hears_opt_outs_said_in_unusual_words(
    models: Mapping[str, LinearText],
) -> None:
    """Measured 96 % and 80 %; words and intent alone hear 62 % and 63 %."""
    for file, least, most in (("data", 0.92, 0.12), ("heldout_more", 0.75, 0.1)):
        rows = load(TASKS["opt_out"].data_file.with_name(f"{file}.csv")).part("heldout")
        heard = [(e.label == "opt_out", is_heard(models, e.input)) for e in rows.examples]
        wished = [is_one for wish, is_one in heard if wish]
        others = [is_one for wish, is_one in heard if not wish]
        assert sum(wished) / len(wished) >= least
        assert sum(others) / len(others) <= most


def test_a_mailbox_asks_for_no_opt_out(models: Mapping[str, LinearText]) -> None:
    """A greeting that is taken for one suppresses a person who has said nothing."""
    greetings = load(TASKS["answer"].data_file).part("heldout").examples
    taken = [e.input for e in greetings if is_heard(models, e.input)]
    assert len(taken) / len(greetings) < 0.05


def test_a_model_beside_the_words_tells_more_answerers(
    models: Mapping[str, LinearText],
) -> None:
    """Measured on held-out greetings: 31 of 104 by words, 49 with the model, nobody cut."""
    model = models["answer"]

    def is_nobody(told: Told | None) -> bool:
        return (
            told is not None and told.label not in ("human", "unknown") and told.confidence >= SURE
        )

    def found(examples: list[Example]) -> tuple[int, int]:
        by_words = sum(is_nobody(told_by_words(e.input)) for e in examples)
        both = (
            told_by(e.input, dict(zip(model.labels, model.probabilities(e.input), strict=True)))
            for e in examples
        )
        return by_words, sum(map(is_nobody, both))

    rows = load(TASKS["answer"].data_file).part("heldout").examples
    assert found([e for e in rows if e.label == "human"]) == (0, 0)
    words, both = found([e for e in rows if e.label not in ("human", "unknown")])
    assert both >= 1.4 * words


MINIMUM = {
    "opt_out": [
        "listen please stop calling me on this phone",
        "I would like you to take me off the list",
        "can you remove this number from your list please",
        "do not call my number again",
    ],
    "ask_robot": ["is it a robot I am talking to", "wait am I speaking with a real person"],
    "busy_now": ["sorry I'm driving", "I am in a meeting at the moment"],
    "callback": ["can you please call me back tomorrow", "call me again in one hour"],
    "wrong_person": ["I think you got the wrong number here", "nobody called that lives here"],
    "repeat": ["sorry can you say that once more", "can you repeat the last question please"],
    "reschedule": ["could we move the appointment to Monday", "I have to reschedule my visit"],
    "question": ["who is this calling", "and what is this call about"],
    "thanks": ["okay thank you very much for calling", "thanks a lot bye"],
    "rating": ["I would say a four", "a five out of five"],
    "greeting": ["oh hello good afternoon", "hi hello"],
    "yes": ["yes that is okay", "sure that works fine"],
    "no": ["no I do not want that", "nope not really"],
}


@pytest.mark.parametrize(
    ("wanted", "text"), [(wanted, text) for wanted, texts in MINIMUM.items() for text in texts]
)
def test_plain_requests_are_understood(
    models: Mapping[str, LinearText], wanted: str, text: str
) -> None:
    known = {clean(e.input) for e in load(TASKS["intent"].data_file).part("train").examples}
    assert clean(text) not in known
    assert label(models["intent"], text) == wanted


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_case_punctuation_and_contractions_change_nothing(
    models: Mapping[str, LinearText], name: str
) -> None:
    model = models[name]
    for plain, written in [
        ("please do not call me again", "Please DON'T call me again!"),
        ("i am not the person you want", "I’m not the person you want..."),
    ]:
        assert (model.probabilities(plain) == model.probabilities(written)).all()


@pytest.mark.parametrize("filler", ["uh {}", "um well {}", "{} okay", "{} please", "hey {}"])
@pytest.mark.parametrize("text", ["stop calling me", "take me off your list", "remove my number"])
def test_filler_words_do_not_hide_an_opt_out(
    models: Mapping[str, LinearText], filler: str, text: str
) -> None:
    assert label(models["intent"], filler.format(text)) == "opt_out"


@pytest.mark.parametrize(
    "text",
    [
        "please don't stop now",
        "I can't take the call now",
        "stop by any time",
        "can you call me tomorrow",
        "I had to wait for two hours",
    ],
)
def test_harmless_words_are_no_opt_out(models: Mapping[str, LinearText], text: str) -> None:
    assert label(models["intent"], text) != "opt_out"


def test_asking_not_to_be_called_raises_opt_out(models: Mapping[str, LinearText]) -> None:
    model = models["intent"]
    at = model.labels.index("opt_out")
    for before, after in [
        ("call me again", "do not call me again"),
        ("I am busy", "I am busy stop calling me"),
        ("wrong number", "wrong number take it off your list"),
    ]:
        assert model.probabilities(after)[at] > model.probabilities(before)[at] + 0.3


@pytest.mark.parametrize(
    ("weaker", "stronger", "emotion"),
    [
        ("the visit was fine", "the visit was wonderful I am so happy", "joy"),
        ("I was there for an hour", "I was there for an hour this is ridiculous", "anger"),
        ("the room was small", "the room was filthy and disgusting", "disgust"),
        ("he is not here", "he passed away and I miss him so much", "sadness"),
        ("the surgery is tomorrow", "the surgery is tomorrow and I am so scared", "fear"),
        ("it is today", "oh wow I had no idea it is today", "surprise"),
    ],
)
def test_emotional_words_raise_their_emotion(
    models: Mapping[str, LinearText], weaker: str, stronger: str, emotion: str
) -> None:
    model = models["emotion"]
    at = model.labels.index(emotion)
    assert model.probabilities(stronger)[at] > model.probabilities(weaker)[at]
    assert label(model, stronger) == emotion


@pytest.mark.parametrize("text", ["yes", "no", "hello", "four", "who is this", "okay go ahead"])
def test_plain_answers_are_neutral(models: Mapping[str, LinearText], text: str) -> None:
    assert label(models["emotion"], text) == "neutral"
