"""YAML with the line of every value, and none of YAML's surprises.

Every scalar stays text: `on`, `yes` and `no` are words here, not booleans; the script's own types
decide what a value becomes.
"""

from dataclasses import dataclass

import yaml

from voice_ai.errors import BadInput

MAX_CHARACTERS = 200_000
MAX_DEPTH = 12
_SHAPE = "a script is a YAML mapping with `script`, `slots` and `nodes`."

Data = str | None | list["Data"] | dict[str, "Data"]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    data: dict[str, Data]
    source: str
    lines: dict[Path, int]

    def fault(self, path: Path, message: str) -> BadInput:
        """An error at `path`, or at the nearest place above it that the file does contain."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        field = ".".join(str(part) for part in path) or None
        return BadInput(message, file=self.source, line=self.lines.get(known, 1), field=field)


def read_document(text: str, *, source: str, shape: str = _SHAPE) -> Document:
    """Raises BadInput with file and line for anything that is not one plain YAML mapping.

    `shape` is the sentence for who wrote something else than a mapping.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadInput(f"the script is longer than {MAX_CHARACTERS:,} characters.", file=source)
    try:
        _refuse_tricks(text, source)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = error.problem or "it cannot be read"
        hint = ' (inside of { } put a text with "?" or "," in quotes)' if "got '" in problem else ""
        raise BadInput(
            f"this is not valid YAML: {problem}{hint}.", file=source, line=line
        ) from error
    except yaml.YAMLError as error:
        raise BadInput(
            "this is not YAML text: it contains characters that may not stand in a script.",
            file=source,
            line=1,
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise BadInput(shape, file=source, line=1)
    lines: dict[Path, int] = {(): 1}
    data = _mapping(root, (), lines, source)
    return Document(data, source, lines)


def _refuse_tricks(text: str, source: str) -> None:
    # Events come one by one, so that deep nesting and alias bombs are seen before any recursion.
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(
                "aliases (`*name`) are not part of the script language; write it out.",
                file=source,
                line=line,
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise BadInput("the script is nested too deeply.", file=source, line=line)


def _value(node: yaml.Node, path: Path, lines: dict[Path, int], source: str) -> Data:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, source)
    if isinstance(node, yaml.SequenceNode):
        items: list[Data] = []
        for index, item in enumerate(node.value):
            lines[(*path, index)] = item.start_mark.line + 1
            items.append(_value(item, (*path, index), lines, source))
        return items
    text = str(node.value)
    plain = isinstance(node, yaml.ScalarNode) and node.style is None
    return None if plain and text in ("", "~", "null") else text


def _mapping(
    node: yaml.MappingNode, path: Path, lines: dict[Path, int], source: str
) -> dict[str, Data]:
    data: dict[str, Data] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise BadInput("a key must be a single word.", file=source, line=line)
        key = str(key_node.value)
        here = (*path, key)
        if key in data:
            raise BadInput(
                f"`{key}` is written twice (first on line {lines[here]}); keep one.",
                file=source,
                line=line,
                field=".".join(str(part) for part in here),
            )
        lines[here] = line
        data[key] = _value(value_node, here, lines, source)
    return data
