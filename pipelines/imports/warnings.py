"""What is worth saying about a file although its rows were accepted."""

from collections.abc import Mapping

from pipelines.imports.read import LeadFile

_SENTENCES = {
    "zone unknown": "leads without a known time zone, which cannot be called: {}",
    "zip zero restored": "ZIP codes whose lost leading zeros were put back: {}",
    "zip not understood": "ZIP codes that were not understood: {}",
    "state not understood": "states that were not understood: {}",
    "timezone not understood": "time zones that were not understood: {}",
}


def warnings_of(file: LeadFile, notes: Mapping[str, int]) -> tuple[str, ...]:
    """One sentence each, without a value from the file."""
    said = list(file.warnings)
    if file.strays:
        said.append(
            f"bytes that were not UTF-8 and were read as Windows-1252: {file.strays}; check names"
        )
    for note, count in notes.items():
        if note.startswith("country "):
            country = note.removeprefix("country ")
            said.append(f"numbers outside of the United States: {count} ({country})")
        else:
            said.append(_SENTENCES[note].format(count))
    return tuple(said)
