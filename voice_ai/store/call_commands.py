"""Asking something of one live call; the dialer obeys."""

from datetime import datetime
from typing import Literal, get_args

from psycopg.types.json import Jsonb

from voice_ai.conversation.turns import TransferKind
from voice_ai.db import queries
from voice_ai.db.connect import Db
from voice_ai.errors import BadInput
from voice_ai.ids import AttemptId

_SQL = queries("commands")

CallCommandKind = Literal["transfer_call", "end_call"]


def ask_of_call(
    db: Db,
    kind: CallCommandKind,
    attempt_id: AttemptId,
    *,
    by: str,
    now: datetime,
    reason: str | None = None,
    how: TransferKind | None = None,
) -> int:
    """The command's id; `store.campaigns.answer_of` tells what came of it.

    `how` None: as the campaign says. Raises BadInput when nobody asks, or an end has no reason.
    """
    if not by.strip():
        raise BadInput("say who asks", field="by")
    if kind == "end_call" and not (reason and reason.strip()):
        raise BadInput("say why: it is kept with your name", field="reason")
    if how is not None and how not in get_args(TransferKind):
        raise BadInput("a call is handed over blind or warm", field="how")
    with db.transaction():
        row = db.execute(
            _SQL.ask_of_call,
            {
                "attempt_id": attempt_id,
                "kind": kind,
                "asked_by": by,
                "reason": reason,
                "parameters": None if how is None else Jsonb({"kind": how}),
                "now": now,
            },
        ).fetchone()
    assert row is not None
    return int(row["id"])
