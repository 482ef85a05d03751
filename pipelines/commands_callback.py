"""`voice-ai leads callback`: a time that was agreed with a person."""

import getpass
import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from voice_ai.command_database import AsJson, database

_FORMATS = ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"]


def callback(
    lead: Annotated[str, typer.Argument(help="Id of a lead, or a phone number with a +.")],
    campaign: Annotated[str, typer.Option(help="Which campaign calls back.")],
    at: Annotated[
        datetime, typer.Option(formats=_FORMATS, help="When, by the called person's clock.")
    ],
    as_json: AsJson = False,
) -> None:
    """Call a lead at an agreed time, before other leads; never who is suppressed.

    Example: voice-ai leads callback 4711 --campaign "Spring survey" --at "2026-11-27 15:00"
    """
    from voice_ai.store import callbacks, standing
    from voice_ai.store.campaigns import find_campaign

    with database() as (context, db):
        campaign_id = find_campaign(db, campaign)["id"]
        lead_id = standing.lead_of(db, context.keyring, campaign_id, lead)
        done = callbacks.agree_callback(
            db, campaign_id, lead_id, at, by=getpass.getuser(), now=context.clock.now()
        )
    facts = {**asdict(done), "sentence": done.sentence}
    print(json.dumps(facts, default=str) if as_json else done.sentence)
