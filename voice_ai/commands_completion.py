"""`voice-ai completion`: a script with which a shell completes commands, subcommands, options.

The script holds the words themselves, so that pressing Tab starts no Python.
"""

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from voice_ai.errors import NotAvailable, UsageError

Words = Mapping[str, tuple[str, ...]]
_SHELLS = ("bash", "zsh", "fish")
# Typer's completion starts Python for every Tab.
_TYPERS_OWN = frozenset({"--install-completion", "--show-completion"})
_FILES = {
    "bash": ".local/share/bash-completion/completions/voice-ai",
    "zsh": ".zfunc/_voice-ai",
    "fish": ".config/fish/completions/voice-ai.fish",
}
_AFTER = {
    "bash": "Open a new shell to use it.",
    "zsh": "Have `fpath+=~/.zfunc; autoload -Uz compinit; compinit` in ~/.zshrc; open a new shell.",
    "fish": "It is there from the next shell on.",
}


def completion(
    shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")],
    install: Annotated[bool, typer.Option("--install", help="Write it where it is found.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Script or path as JSON.")] = False,
) -> None:
    """Print, or install, the completion script of a shell.

    Example: voice-ai completion bash --install
    """
    if shell not in _SHELLS:
        raise UsageError(f"there is no completion for {shell!r}; use {', '.join(_SHELLS)}")
    script = script_for(shell, words())
    if not install:
        print(json.dumps({"shell": shell, "script": script}) if as_json else script)
        return
    path = Path.home() / _FILES[shell]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script + "\n", encoding="utf-8")
    except OSError as error:
        raise NotAvailable(f"{path} cannot be written ({error.strerror})") from error
    said = f"Wrote {path}. {_AFTER[shell]}"
    print(json.dumps({"shell": shell, "file": str(path)}) if as_json else said)


def words() -> dict[str, tuple[str, ...]]:
    """What may follow: "" the commands, `campaign` its subcommands and options, and so on."""
    from voice_ai.__main__ import COMMANDS

    found: dict[str, tuple[str, ...]] = {"": (*COMMANDS, "--help", "--version")}
    for name, entry in COMMANDS.items():
        target = getattr(importlib.import_module(entry.module), entry.target)
        found |= _words_of(name, _click_command(target))
    return found


def _click_command(target: Any) -> Any:
    """Typer's own command object, whose class differs between its versions."""
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    single = typer.Typer(add_completion=False)
    single.command()(target)
    return typer.main.get_command(single)


def _words_of(path: str, command: Any) -> dict[str, tuple[str, ...]]:
    subcommands = dict(getattr(command, "commands", {}))
    options = sorted(
        word
        for option in command.params
        for word in option.opts
        if word.startswith("--") and word not in _TYPERS_OWN
    )
    found = {path: (*subcommands, *options, "--help")}
    for name, subcommand in subcommands.items():
        found |= _words_of(f"{path} {name}", subcommand)
    return found


def script_for(shell: str, known: Words) -> str:
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](known)


def _cases(known: Words, indent: str) -> str:
    lines = [f'{indent}"{path}") words="{" ".join(known[path])}" ;;' for path in sorted(known)]
    return "\n".join(lines)


def _bash(known: Words) -> str:
    return f"""# Completion of voice-ai for bash; made by `voice-ai completion bash`.
_voice_ai() {{
    local words="" path="" word current="${{COMP_WORDS[COMP_CWORD]}}"
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ "$word" == -* ]] && continue
        case " {" ".join(sorted(_parents(known)))} " in *" ${{path:+${{path// /.}}.}}$word "*)
            path="${{path:+$path }}$word" ;;
        esac
    done
    case "$path" in
{_cases(known, "        ")}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    [[ -z "${{COMPREPLY[*]}}" ]] && COMPREPLY=($(compgen -f -- "$current"))
}}
complete -o filenames -F _voice_ai voice-ai"""


def _parents(known: Words) -> list[str]:
    """Every path as one dotted word, by which the scripts know how deep they are."""
    return [path.replace(" ", ".") for path in known if path]


def _zsh(known: Words) -> str:
    return f"""#compdef voice-ai
# Completion of voice-ai for zsh; made by `voice-ai completion zsh`.
_voice_ai() {{
    local line="" place="" word
    local known=" {" ".join(sorted(_parents(known)))} "
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        [[ "$word" == -* ]] && continue
        [[ "$known" == *" ${{place:+${{place// /.}}.}}$word "* ]] || continue
        place="${{place:+$place }}$word"
    done
    case "$place" in
{_cases(known, "        ").replace("words=", "line=")}
    esac
    compadd -- ${{=line}} || _files
}}
compdef _voice_ai voice-ai"""


def _fish(known: Words) -> str:
    lines = [
        "# Completion of voice-ai for fish; made by `voice-ai completion fish`.",
        "complete -c voice-ai -e",
    ]
    for path, following in sorted(known.items()):
        condition = _fish_condition(path, known)
        for word in following:
            what = f"-l {word[2:]}" if word.startswith("--") else f"-f -a {word}"
            lines.append(f"complete -c voice-ai -n '{condition}' {what}")
    return "\n".join(lines)


def _fish_condition(path: str, known: Words) -> str:
    if not path:
        return "__fish_use_subcommand"
    seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in path.split())
    deeper = [word for word in known[path] if not word.startswith("--")]
    return f"{seen}; and not __fish_seen_subcommand_from {' '.join(deeper)}" if deeper else seen
