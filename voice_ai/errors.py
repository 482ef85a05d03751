"""Every error a user can meet.

    VoiceAIError
    ├── UsageError      wrong words on the command line (exit 2)
    ├── BadInput        a file or a value that cannot be used; names file, line and field
    ├── NotAvailable    something needed is not there or does not answer
    ├── Refused         a rule says no: live calls without permission, a campaign that may not start
    └── NotFound        no such campaign, list, script, model

The message is one sentence that says what is wrong and what to do about it.
"""

from pathlib import Path


class VoiceAIError(Exception):
    """Root of the tree; `exit_code` is what the command line ends with."""

    exit_code: int = 1

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageError(VoiceAIError):
    exit_code = 2


class BadInput(VoiceAIError):
    """Input that cannot be used; `file`, `line` and `field` are put before the message."""

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        place = ":".join(str(part) for part in (file, line) if part is not None)
        where = ", ".join(part for part in (place, f"field {field}" if field else "") if part)
        super().__init__(f"{where}: {message}" if where else message)
        self.file = file
        self.line = line
        self.field = field


class NotAvailable(VoiceAIError):
    pass


class Refused(VoiceAIError):
    pass


class NotFound(VoiceAIError):
    pass
