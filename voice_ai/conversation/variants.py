"""One script file, many wordings: its arms and its languages, each a whole script of its own.

The machine that speaks never sees arms or translations: before anything is checked or spoken they
are put into their places, and every script that comes of it is held to the same rules.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from voice_ai.conversation.source import Path

Fault = tuple[Path, str]
# What is spoken: the words of a node whose values are prompts, and what an answer is made of.
SPOKEN = ("identify", "disclose", "opt_out", "recording", "say", "ask", "retry")
ANSWERED = ("topic", "facts", "fallback")
_UNATTENDED = ("voicemail", "screener")
_TRANSLATED = ("slots", "lines", "empathy", "answer", *_UNATTENDED, "nodes")


@dataclass
class Variant:
    """The data of one script; `moved` says where in the file a place of it was written."""

    arm: str | None
    language: str | None
    data: dict[str, Any]
    moved: list[tuple[Path, Path]] = field(default_factory=list)

    def written_at(self, path: Path) -> Path:
        """The place in the file; the longest part of the path that was moved last decides."""
        best: tuple[Path, Path] = ((), ())
        for place, origin in self.moved:
            if path[: len(place)] == place and len(place) >= len(best[0]):
                best = (place, origin)
        return (*best[1], *path[len(best[0]) :])


def variants(data: Mapping[str, Any]) -> tuple[list[Variant], list[Fault]]:
    """The script in its first arm and its own language, then all others; or what is wrong."""
    faults: list[Fault] = []
    plain = {key: value for key, value in data.items() if key != "languages"}
    spoken = [Variant(None, None, plain)]
    languages = data.get("languages")
    if isinstance(languages, dict):
        spoken += [_translated(plain, name, words, faults) for name, words in languages.items()]
    elif "languages" in data:
        faults.append((("languages",), "name each language with its words: `es-US: {lines: …}`."))
    arms = _arms(data)
    return [
        _in_arm(variant, arm, arms, faults) for variant in spoken for arm in (arms or (None,))
    ], list(dict.fromkeys(faults))


def _arms(data: Mapping[str, Any]) -> tuple[str, ...]:
    experiment = data.get("experiment")
    arms = experiment.get("arms") if isinstance(experiment, dict) else None
    return tuple(arms) if isinstance(arms, dict) else ()


def _in_arm(
    variant: Variant, arm: str | None, arms: tuple[str, ...], faults: list[Fault]
) -> Variant:
    chosen = Variant(arm, variant.language, deepcopy(variant.data), list(variant.moved))
    split = 0
    for path, holder, key in _prompts(chosen.data):
        wordings = holder[key]
        if not isinstance(wordings, dict):
            continue
        split += 1
        at = chosen.written_at(path)
        faults += [(at, message) for message in _wrong_arms(wordings, arms)]
        holder[key] = wordings.get(arm)
        if arm is not None:
            chosen.moved.append((path, (*at, arm)))
    if arms and not split:
        faults.append((("experiment",), f"no prompt has a wording for {arms[0]}, {arms[1]} …"))
    return chosen


def _wrong_arms(wordings: Mapping[str, Any], arms: tuple[str, ...]) -> Iterator[str]:
    if not arms:
        yield "wordings by arm need an `experiment` with `name` and `arms` at the top."
        return
    named = ", ".join(arms)
    for arm in arms:
        if arm not in wordings:
            yield f"the arm `{arm}` has no wording here; write one for each of {named}."
    for arm in wordings:
        if arm not in arms:
            yield f"there is no arm `{arm}`; the arms are {named}."


def _prompts(data: dict[str, Any]) -> Iterator[tuple[Path, Any, Any]]:
    """Every place that holds a prompt: its path, what holds it, and its key there."""
    for part in ("lines", "empathy"):
        words = data.get(part)
        if isinstance(words, dict):
            yield from (((part, key), words, key) for key in words)
    for word in _UNATTENDED:
        yield from _prompts_at((word,), data, word)
    nodes = data.get("nodes")
    for name, node in nodes.items() if isinstance(nodes, dict) else ():
        if not isinstance(node, dict):
            continue
        answer = node.get("answer")
        if isinstance(answer, dict) and "fallback" in answer:
            yield ("nodes", name, "answer", "fallback"), answer, "fallback"
        for word in SPOKEN:
            yield from _prompts_at(("nodes", name, word), node, word)


def _prompts_at(path: Path, holder: dict[str, Any], word: str) -> Iterator[tuple[Path, Any, Any]]:
    value = holder.get(word)
    if isinstance(value, list):
        yield from (((*path, at), value, at) for at, _ in enumerate(value))
    elif value is not None:
        yield path, holder, word


def _translated(
    plain: Mapping[str, Any], language: str, words: Any, faults: list[Fault]
) -> Variant:
    at: Path = ("languages", language)
    variant = Variant(None, language, {**deepcopy(dict(plain)), "language": language})
    variant.moved.append((("language",), at))
    if not isinstance(words, dict):
        faults.append((at, "a language brings its `lines`, `nodes` and, if there are, `empathy`."))
        return variant
    for word in words:
        if word not in _TRANSLATED:
            named = ", ".join(_TRANSLATED)
            faults.append(((*at, word), f"`{word}` is not translated; a language has {named}."))
    for part in ("lines", "empathy", *_UNATTENDED):
        # What is not said in this language is not said at all: checks name what is missing.
        variant.data.pop(part, None)
        if part in words:
            variant.data[part] = deepcopy(words[part])
        variant.moved.append(((part,), (*at, part)))
    _translate_defaults(variant, at, words.get("slots"), faults)
    answer, own = variant.data.get("answer"), words.get("answer")
    if isinstance(answer, dict):
        _translate(variant, ("answer",), answer, own if isinstance(own, dict) else {}, faults)
    _translate_nodes(variant, at, words.get("nodes"), faults)
    return variant


def _translate_defaults(variant: Variant, at: Path, words: Any, faults: list[Fault]) -> None:
    """Defaults are spoken too; a language that says nothing of one keeps it as it is."""
    slots = variant.data.get("slots")
    for name, default in words.items() if isinstance(words, dict) else ():
        slot = slots.get(name) if isinstance(slots, dict) else None
        if not isinstance(slot, dict) or "default" not in slot:
            faults.append(((*at, "slots", name), f"there is no slot `{name}` with a default."))
            continue
        slot["default"] = default
        variant.moved.append((("slots", name), (*at, "slots", name)))


def _translate_nodes(variant: Variant, at: Path, words: Any, faults: list[Fault]) -> None:
    translated = words if isinstance(words, dict) else {}
    nodes = variant.data.get("nodes")
    nodes = nodes if isinstance(nodes, dict) else {}
    for name in translated:
        if name not in nodes:
            faults.append(((*at, "nodes", name), f"there is no node `{name}` to translate."))
    for name, node in nodes.items():
        if isinstance(node, dict):
            own = translated.get(name)
            _translate(variant, ("nodes", name), node, own if isinstance(own, dict) else {}, faults)


def _translate(
    variant: Variant,
    path: Path,
    node: dict[str, Any],
    words: Mapping[str, Any],
    faults: list[Fault],
) -> None:
    at: Path = ("languages", str(variant.language), *path)
    spoken = ANSWERED if path[-1] == "answer" else SPOKEN
    for word in words:
        if word not in (*spoken, "answer") or word not in node:
            faults.append(((*at, word), f"the node has no `{word}` that could be translated."))
    for word in spoken:
        if node.get(word) not in (None, []):
            if word not in words:
                faults.append((at, f"`{word}` of `{path[-1]}` is not translated."))
                continue
            node[word] = deepcopy(words[word])
            variant.moved.append(((*path, word), (*at, word)))
    answer, own = node.get("answer"), words.get("answer")
    if isinstance(answer, dict) and path[-1] != "answer":
        own = own if isinstance(own, dict) else {}
        _translate(variant, (*path, "answer"), answer, own, faults)
