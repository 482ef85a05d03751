"""What must hold of a script beyond its types: its graph, its prompts, what the law wants heard."""

from collections.abc import Iterator

from voice_ai.conversation.check_answers import check_answers
from voice_ai.conversation.check_unattended import check_unattended
from voice_ai.conversation.check_ways import check_ways
from voice_ai.conversation.graph import (
    LAST_LINES,
    OPENING_PARTS,
    SLOT,
    TRANSFER_LINES,
    Lines,
    Node,
    Script,
    rating_span,
)
from voice_ai.conversation.source import Path
from voice_ai.conversation.tongues import TONGUES, Tongue, tongue_of

Fault = tuple[Path, str]

MAX_WORDS = 40
MAX_NAMED_VALUES = 8
EVERYWHERE = frozenset({"opt_out", "ask_robot"})


def find_faults(script: Script) -> Iterator[Fault]:
    """Every fault, as the path of the offending field and one sentence about it."""
    broken = [*check_targets(script), *check_shape(script)]
    yield from broken
    if not broken:  # a wrong target or a dead end would be reported again as a missing way
        yield from check_paths(script)
    for check in (
        check_prompts,
        check_slots,
        check_ways,
        check_answers,
        check_law,
        check_unattended,
        check_language,
    ):
        yield from check(script)


def check_targets(script: Script) -> Iterator[Fault]:
    if script.start not in script.nodes:
        yield ("start",), _unknown_node(script, script.start)
    for name, node in script.nodes.items():
        for path, _, target in node.targets():
            if target not in script.nodes:
                yield ("nodes", name, *path), _unknown_node(script, target)
        for intent in sorted(EVERYWHERE.intersection(node.on)):
            yield (
                ("nodes", name, "on", intent),
                f"`{intent}` is understood everywhere and answered the same way; leave it out.",
            )


def check_shape(script: Script) -> Iterator[Fault]:
    """Every node either ends the call, asks, or goes straight on."""
    for name, node in script.nodes.items():
        for path, message in _shape(node, tongue_of(script.language)):
            yield ("nodes", name, *path), message
    start = script.nodes.get(script.start)
    if start is not None and start.transfer is not None:
        yield (
            ("nodes", script.start, "transfer"),
            "the start node cannot hand the call over: somebody must have spoken before.",
        )


def _shape(node: Node, tongue: Tongue) -> Iterator[Fault]:
    if node.end:
        if node.ask is not None or any(True for _ in node.targets()):
            yield ("end",), "a node that ends the call can neither ask nor go on."
        if not node.say or not tongue.farewell.search(node.say[-1]):
            told = tongue.farewell_told
            yield ("end",), f'the last thing said before the end must contain "{told}".'
    elif node.transfer is not None:
        yield from _transfer_shape(node)
    elif node.ask is None:
        if node.next is None:
            yield (), "this is a dead end: give the node `ask`, `next` or `end: true`."
        for field in ("on", "ratings", "retry", "capture", "answer"):
            if getattr(node, field):
                yield (field,), f"`{field}` needs an `ask` in the same node."
    else:
        yield from _question_shape(node)


def _transfer_shape(node: Node) -> Iterator[Fault]:
    for field in ("ask", "next", "on", "ratings", "retry", "capture", "disposition"):
        if getattr(node, field):
            yield (
                (field,),
                f"a node with `transfer` hands the call over, so `{field}` has no place in it; "
                "only `say`, `goal` and `else` have.",
            )
    if node.otherwise is None:
        yield (
            ("transfer",),
            "nobody may pick up: say with `else` at which node the conversation goes on then.",
        )
    if not node.say:
        yield (
            ("transfer",),
            "tell the person with `say` that they are being connected; silence loses them.",
        )


def _question_shape(node: Node) -> Iterator[Fault]:
    if node.expects == "yes_no":
        missing = [intent for intent in ("yes", "no") if intent not in node.on]
        if missing and node.next is None:
            yield ("on",), f"a yes/no question needs `on: {missing[0]}` (or `next`)."
    elif node.expects == "rating":
        yield from _rating_shape(node)
    elif node.next is None:
        yield (
            ("next",),
            f"a dead end: say with `next` where the {node.expects} answer leads.",
        )
    if node.between is not None and (
        node.expects != "number" or node.between[0] >= node.between[1]
    ):
        yield (
            ("between",),
            "`between` is the least and the greatest answer to `expects: number`.",
        )
    if node.ratings and node.expects != "rating":
        yield ("ratings",), "`ratings` needs `expects: rating`."


def _rating_shape(node: Node) -> Iterator[Fault]:
    low, high = node.scale
    if not 0 <= low < high <= 10:
        yield ("scale",), "a scale is two whole numbers from 0 to 10, the lower one first."
        return
    for ratings in node.ratings:
        span = rating_span(ratings)
        if span is None or not low <= span[0] <= span[1] <= high:
            yield (
                ("ratings", ratings),
                f"`{ratings}` is not a rating or a range such as `{low}-{high}` inside the scale.",
            )
    uncovered = [n for n in range(low, high + 1) if node.target_of_rating(n) is None]
    if uncovered and node.next is None:
        yield ("ratings",), f"a rating of {uncovered[0]} leads nowhere; add it or `next`."


def check_paths(script: Script) -> Iterator[Fault]:
    """Everything is reached from the start, and an end is reached from everything."""
    edges = {
        name: {target for _, _, target in node.targets() if target in script.nodes}
        for name, node in script.nodes.items()
    }
    felt = {feeling.to for feeling in script.on_emotion.values()} & script.nodes.keys()
    reached = _closure(({script.start} | felt) & script.nodes.keys(), edges)
    backwards: dict[str, set[str]] = {name: set() for name in edges}
    for name, targets in edges.items():
        for target in targets:
            backwards[target].add(name)
    can_end = _closure({name for name, node in script.nodes.items() if node.end}, backwards)
    for name in script.nodes:
        if name not in reached:
            yield ("nodes", name), f"no way leads to the node `{name}` from the start."
        elif name not in can_end:
            yield ("nodes", name), f"no way leads from the node `{name}` to one with `end: true`."
    unasked = {
        name: targets if script.nodes[name].ask is None else set()
        for name, targets in edges.items()
    }
    for name, targets in unasked.items():
        if name in _closure(targets, unasked):
            way = "next" if script.nodes[name].transfer is None else "else"
            yield (
                ("nodes", name, way),
                f"the node `{name}` comes back to itself without asking anything.",
            )


def _closure(start: set[str], edges: dict[str, set[str]]) -> set[str]:
    seen, todo = set(start), list(start)
    while todo:
        for target in edges[todo.pop()] - seen:
            seen.add(target)
            todo.append(target)
    return seen


def check_prompts(script: Script) -> Iterator[Fault]:
    tongue = tongue_of(script.language)
    for name, node in script.nodes.items():
        for path, text in node.prompts():
            asks = path[0] in ("ask", "retry")
            yield from _prompt(script, ("nodes", name, *path), text, asks=asks)
    for line, text in script.lines.model_dump().items():
        if line in TRANSFER_LINES and not script.transfers:
            continue
        yield from _prompt(script, ("lines", line), text, asks=line == "offer_callback")
        if line in LAST_LINES and not tongue.farewell.search(text):
            told = tongue.farewell_told
            yield ("lines", line), f'the call ends after this line, so it must contain "{told}".'
    for emotion, text in script.empathy.items():
        yield from _prompt(script, ("empathy", emotion), text, asks=False)
    if script.answer is not None:
        yield from _prompt(script, ("answer", "fallback"), script.answer.fallback, asks=False)
    for place in ("voicemail", "screener"):
        for index, text in enumerate(getattr(script, place)):
            yield from _prompt(script, (place, index), text, asks=False)


def _prompt(script: Script, path: Path, text: str, *, asks: bool) -> Iterator[Fault]:
    if not text.strip():
        yield path, "a prompt cannot be empty."
    if asks and (not text.endswith("?") or text.count("?") != 1):
        yield path, 'a question must end with "?" and contain no other one.'
    if not asks and "?" in text:
        yield path, 'only `ask` and `retry` may contain "?"; the answer to this would be lost.'
    if len(text.split()) > MAX_WORDS:
        yield path, f"this is longer than {MAX_WORDS} words; split it into a list of sentences."
    if "{" in SLOT.sub("", text) or "}" in SLOT.sub("", text):
        yield path, "a brace is not closed; slots are written {like_this}."
    for slot in SLOT.findall(text):
        known = script.slots.get(slot)
        if known is None:
            yield path, f"`{{{slot}}}` is not declared under `slots`."
        elif not known.required and known.default is None:
            yield path, f"`{{{slot}}}` may have no value when spoken; give the slot a `default`."


def check_slots(script: Script) -> Iterator[Fault]:
    for name, slot in script.slots.items():
        if slot.required and slot.default is not None:
            yield ("slots", name), "a slot is either required or has a default, not both."
        if slot.required and slot.scope == "call":
            yield ("slots", name), "a slot that is filled during the call cannot be required."
    for name in ("seller", "callback_number"):
        known = script.slots.get(name)
        if known is None or not known.required or known.scope != "campaign":
            yield (
                ("slots", name),
                f"every script declares `{name}` as a required slot of the campaign: "
                "the law wants it spoken.",
            )
    for name, node in script.nodes.items():
        captured = script.slots.get(node.capture) if node.capture else None
        if node.capture and (captured is None or captured.scope != "call"):
            yield (
                ("nodes", name, "capture"),
                f"`{node.capture}` is not declared under `slots` with `scope: call`.",
            )


def check_law(script: Script) -> Iterator[Fault]:
    """US-IDENT, AI-DISCLOSE, US-OPTOUT and REC-ALLPARTY, as far as a template can show them."""
    for name, node in script.nodes.items():
        if name != script.start:
            for part, _ in node.opening:
                yield ("nodes", name, part), f"`{part}` belongs in the start node only."
    start = script.nodes.get(script.start)
    if start is None:
        return
    at: Path = ("nodes", script.start)
    for part in OPENING_PARTS[:3]:
        if getattr(start, part) is None:
            yield at, f"the start node has no `{part}`; it must be heard before anything else."
    yield from _opening_words(script, start, at)
    yield from _callback_number_spoken(script, start)


def _opening_words(script: Script, start: Node, at: Path) -> Iterator[Fault]:
    if start.identify and "{seller}" not in start.identify:
        yield (*at, "identify"), "the identification must contain {seller}."
    tongue = tongue_of(script.language)
    if start.disclose and not tongue.is_ai.search(start.disclose):
        yield (*at, "disclose"), "the disclosure must say that the caller is an A I assistant."
    offer = start.opt_out
    if offer and not (tongue.stop.search(offer) and tongue.nine.search(offer)):
        yield (*at, "opt_out"), "the opt-out instruction must name the word stop and the key nine."
    opening = " ".join(text for _, text in start.opening)
    if script.recorded and not tongue.recorded.search(opening):
        yield at, "a recorded call must say so in its opening (`recording`), or set `recorded: no`."


def _callback_number_spoken(script: Script, start: Node) -> Iterator[Fault]:
    if "{callback_number}" in " ".join(text for _, text in (*start.prompts(),)):
        return
    for name, node in script.nodes.items():
        if node.end and "{callback_number}" not in " ".join(node.say):
            yield (
                ("nodes", name, "say"),
                "the call-back number is not spoken: add {callback_number} here or in the opening.",
            )


def check_language(script: Script) -> Iterator[Fault]:
    if script.language[:2] not in TONGUES:
        known = " and ".join(tongue.name for tongue in TONGUES.values())
        yield (
            ("language",),
            f"no call is understood in {script.language}, not even the wish for no more calls;"
            f" only {known} are.",
        )
    if script.language.startswith("en"):
        return
    needed = [n for n in Lines.model_fields if script.transfers or n not in TRANSFER_LINES]
    missing = [name for name in needed if name not in script.lines.model_fields_set]
    if missing:
        named = ", ".join(missing[:MAX_NAMED_VALUES])
        yield ("lines",), f"a script in {script.language} must bring its own lines: {named}."


def _unknown_node(script: Script, name: str) -> str:
    known = ", ".join(list(script.nodes)[:MAX_NAMED_VALUES])
    return f"there is no node `{name}`; the nodes are {known}."
