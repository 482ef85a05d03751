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


def everywhere(script: Script) -> tuple[Edge, ...]:
    """Ways that lead from every question: those of feelings; the source is the feeling."""
    return tuple(
        Edge(emotion, f"{emotion}, anywhere", feeling.to)
        for emotion, feeling in script.on_emotion.items()
    )


def adjacency(script: Script) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(dict.fromkeys(target for _, _, target in node.targets()))
        for name, node in script.nodes.items()
    }


def mermaid(script: Script) -> str:
    """A Mermaid flowchart; goals, ends, transfers and the start carry classes of these names."""
    lines = ["flowchart TD"]
    lines += [f"    n_{name}{_shape(script, name, node)}" for name, node in script.nodes.items()]
    for edge in edges(script):
        arrow = f'-->|"{_safe(edge.label)}"|' if edge.label else "-->"
        lines.append(f"    n_{edge.source} {arrow} n_{edge.target}")
    for edge in everywhere(script):
        lines.append(f'    e_{edge.source}(("{_safe(edge.label)}")) -.-> n_{edge.target}')
    lines.append(f"    class n_{script.start} start")
    for css, members in (
        ("goal", [name for name, node in script.nodes.items() if node.goal]),
        ("ending", [name for name, node in script.nodes.items() if node.end]),
        ("transfer", list(script.transfers)),
    ):
        if members:
            lines.append(f"    class {','.join(f'n_{name}' for name in members)} {css}")
    return "\n".join(lines) + "\n"


def dot(script: Script, *, here: str | None = None, ink: str = "#31333f") -> str:
    """A Graphviz digraph; goals are green, transfers blue, ends grey; it stands at `here`."""
    lines = [
        "digraph script {",
        'bgcolor="transparent"; rankdir=TB; nodesep=0.3; ranksep=0.35;',
        f'node [shape=box, style="rounded", fontname="sans-serif", fontsize=11, color="{ink}",'
        f' fontcolor="{ink}"];',
        f'edge [fontname="sans-serif", fontsize=10, color="{ink}", fontcolor="{ink}"];',
    ]
    for name, node in script.nodes.items():
        lines.append(
            f"n_{name} [label={_quoted(_dot_label(script, name))}{_look(name, node, here)}];"
        )
    for edge in _merged(edges(script)):
        lines.append(f"n_{edge.source} -> n_{edge.target} [label={_quoted(edge.label)}];")
    for edge in everywhere(script):
        lines.append(f"e_{edge.source} [label={_quoted(edge.label)}, shape=plaintext];")
        lines.append(f"e_{edge.source} -> n_{edge.target} [style=dashed];")
    return "\n".join([*lines, "}"])


def _merged(found: tuple[Edge, ...]) -> tuple[Edge, ...]:
    """One edge between two nodes, with everything that takes it."""
    labels: dict[tuple[str, str], list[str]] = {}
    for edge in found:
        labels.setdefault((edge.source, edge.target), []).append(edge.label)
    return tuple(
        Edge(source, ", ".join(filter(None, said)), target)
        for (source, target), said in labels.items()
    )


def _look(name: str, node: Node, here: str | None) -> str:
    look = ', penwidth=3, color="#2f6fb3"' if name == here else ""
    if node.goal:
        return look + ', style="rounded,filled", fillcolor="#cfe8d5", fontcolor="#1f3d2a"'
    if node.transfer is not None:
        return look + ', style="filled", fillcolor="#cfe0f2", fontcolor="#1f2d3d"'
    if node.end:
        return look + ', style="rounded,filled", fillcolor="#d9dce2", fontcolor="#31333f"'
    return look


def _dot_label(script: Script, name: str) -> str:
    spoken = _shortened(_spoken(script, name))
    middle = spoken.rfind(" ", 0, len(spoken) // 2 + 6) if len(spoken) > MAX_LABEL // 2 else -1
    if middle > 0:
        spoken = f"{spoken[:middle]}\n{spoken[middle + 1 :]}"
    return f"{name}\n{spoken}" if spoken else name


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _spoken(script: Script, name: str) -> str:
    """What stands in its box: wordings of an experiment side by side, how a transfer is done."""
    nodes = [worded.nodes[name] for (_, other), worded in script.wordings.items() if other is None]
    spoken = " | ".join(dict.fromkeys(node.ask or " ".join(node.say) for node in nodes))
    how = script.nodes[name].transfer
    return f"{how} transfer: {spoken}" if how is not None else spoken


def _shape(script: Script, name: str, node: Node) -> str:
    short = _shortened(_spoken(script, name))
    label = f"{name}<br/>{_safe(short)}" if short else name
    if node.transfer is not None:
        return f'[/"{label}"/]'
    if node.end:
        return f'(["{label}"])'
    return f'{{{{"{label}"}}}}' if node.ask else f'["{label}"]'


def _shortened(spoken: str) -> str:
    return spoken if len(spoken) <= MAX_LABEL else spoken[: MAX_LABEL - 1].rstrip() + "…"


def _safe(text: str) -> str:
    # Mermaid reads quotes, brackets and markup inside labels; its entities are written #…;
    escaped = text.replace("&", "#amp;").replace('"', "#quot;")
    for character, entity in (("<", "#lt;"), (">", "#gt;"), ("{", "#123;"), ("}", "#125;")):
        escaped = escaped.replace(character, entity)
    return escaped.replace("`", "#96;")
