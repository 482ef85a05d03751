"""A script as a graph, for the app to draw."""

from dataclasses import dataclass

from voice_ai.conversation.graph import Node, Script

MAX_LABEL = 60


@dataclass(frozen=True, slots=True)
class Edge:
    """`label` is what takes it (an intent, a rating, "else"), empty when it is always taken."""

    source: str
    label: str
    target: str


def edges(script: Script) -> tuple[Edge, ...]:
    """Every way from node to node; what is understood everywhere is not drawn."""
    return tuple(
        Edge(name, label, target)
        for name, node in script.nodes.items()
        for _, label, target in node.targets()
    )


def adjacency(script: Script) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(dict.fromkeys(target for _, _, target in node.targets()))
        for name, node in script.nodes.items()
    }


def mermaid(script: Script) -> str:
    """A Mermaid flowchart; goals, ends and the start carry classes of these names."""
    lines = ["flowchart TD"]
    lines += [f"    n_{name}{_shape(name, node)}" for name, node in script.nodes.items()]
    for edge in edges(script):
        arrow = f'-->|"{_safe(edge.label)}"|' if edge.label else "-->"
        lines.append(f"    n_{edge.source} {arrow} n_{edge.target}")
    lines.append(f"    class n_{script.start} start")
    for css, members in (
        ("goal", [name for name, node in script.nodes.items() if node.goal]),
        ("ending", [name for name, node in script.nodes.items() if node.end]),
    ):
        if members:
            lines.append(f"    class {','.join(f'n_{name}' for name in members)} {css}")
    return "\n".join(lines) + "\n"


def _shape(name: str, node: Node) -> str:
    spoken = node.ask or " ".join(node.say)
    short = spoken if len(spoken) <= MAX_LABEL else spoken[: MAX_LABEL - 1].rstrip() + "…"
    label = f"{name}<br/>{_safe(short)}" if short else name
    if node.end:
        return f'(["{label}"])'
    return f'{{{{"{label}"}}}}' if node.ask else f'["{label}"]'


def _safe(text: str) -> str:
    # Mermaid reads quotes, brackets and markup inside labels; its entities are written #…;
    escaped = text.replace("&", "#amp;").replace('"', "#quot;")
    for character, entity in (("<", "#lt;"), (">", "#gt;"), ("{", "#123;"), ("}", "#125;")):
        escaped = escaped.replace(character, entity)
    return escaped.replace("`", "#96;")
