"""Reports as flows: read, measure, write, keep, send."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from pipelines.flows.progress import Progress
from pipelines.flows.recorded import asked_by, recorded
from pipelines.flows.retrying import when_not_available
from pipelines.metrics.frames import CampaignFrames
from pipelines.notify import Channel, Message, channels_of
from pipelines.report import CampaignReport, build_report
from pipelines.report.archive import keep
from pipelines.report.delivery import deliver
from pipelines.report.facts import Scope
from pipelines.report.html import render_html
from pipelines.report.labels import count, interval, percent
from pipelines.report.make import Ask, Made, lake_of, make, moment_of_words
from pipelines.report.render import built_from
from pipelines.report.write import read_campaign, write_text
from pipelines.report_kinds import OF_A_CAMPAIGN, Kind
from voice_ai.context import Context, open_context
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput
from voice_ai.store import report_archive as store


@flow(name="build-report", flow_run_name="report of {campaign}")
@recorded("build-report")
def build_report_flow(
    campaign: str | None = None,
    out: str | None = None,
    kind: Kind = "campaign",
    as_of: str | None = None,
    send: bool = False,  # noqa: FBT001  # Prefect hands parameters over by name
) -> dict[str, Any]:
    """Builds a report as one HTML file; answers with its path and main figures.

    Args:
        campaign: Name of the campaign, for the kinds campaign and interim.
        out: Where to write the file; left out: the archive.
        kind: campaign, interim, daily, model or compliance.
        as_of: The lake as it was at this moment; left out: the newest.
        send: Also send it through the channels that are set.
    """
    if kind in OF_A_CAMPAIGN and not campaign:
        raise BadInput(f"a report of the kind {kind} needs a campaign", field="campaign")
    told = Progress("build-report", "reading")
    moment = None if as_of is None else moment_of_words(as_of)
    if kind == "campaign" and moment is None:
        frames, now = read_task(str(campaign))
        told.at(0.4, "measuring")
        made = _of_database(measure_task(frames, now), frames)
    else:
        made = make_task(Ask(kind, campaign, as_of=moment))
    told.at(0.8, "writing")
    answer = write_task(made, out)
    if send and out is None:
        told.at(0.9, "sending")
        answer["sent"] = _send(answer["id"])
    attempts = made.data.get("attempts")
    told.at(1.0, made.title if attempts is None else f"{attempts:,} attempts")
    return {**answer, "campaign": made.campaign, "attempts": attempts, "kind": kind}


@flow(name="daily-report")
@recorded("daily-report")
def daily_report_flow() -> dict[str, Any]:
    """Builds the report of the newest day, keeps it and sends it where a channel is set."""
    told = Progress("daily-report", "reading")
    made = make_task(Ask("daily"))
    told.at(0.7, "writing")
    answer = write_task(made, None)
    told.at(0.8, "sending")
    answer["sent"] = _send(answer["id"])
    told.at(1.0, f"{made.title}, {answer['sent']}")
    return answer


@flow(name="send-report")
@recorded("send-report")
def send_report_flow(report: str) -> dict[str, Any]:
    """Sends a report of the archive through the channels that are set.

    Args:
        report: Its id, or how it begins.
    """
    told = Progress("send-report", "sending")
    sent = _send(report)
    told.at(1.0, sent)
    return {"sent": sent}


def _of_database(report: CampaignReport, frames: CampaignFrames) -> Made:
    scope = Scope(report.rehearsal, report.as_of, None, str(frames.campaign.id))
    html = render_html(report, built_from=built_from(None))
    title = f"{report.campaign} – campaign report"
    data = report.model_dump(mode="json")
    return Made("campaign", title, report.campaign, scope, {}, html, data)


# Reading changes nothing, so it may be tried again.
@task(
    name="read the campaign",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def read_task(campaign: str) -> tuple[CampaignFrames, datetime]:
    with open_context() as context:
        return read_campaign(context.role_url("flows"), campaign), context.clock.now()


@task(
    name="build from the lake",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def make_task(ask: Ask) -> Made:
    with open_context() as context:
        lake = lake_of(context.settings.lake_url, context.settings.home, ask)
        return make(context.role_url("flows"), lake, ask, rehearsal=context.rehearsal)


@task(name="measure", cache_policy=NO_CACHE)
def measure_task(frames: CampaignFrames, as_of: datetime) -> CampaignReport:
    report = build_report(frames, as_of)
    create_table_artifact(
        key="campaign-figures",
        table=[
            {
                "figure": figure.label,
                "count": count(figure.count),
                "n": f"{count(figure.n)} {figure.n_of}",
                "rate": percent(figure.rate.rate) if figure.rate else "–",
                "95 %": interval(figure.rate.low, figure.rate.high) if figure.rate else "–",
            }
            for figure in report.figures
        ],
    )
    return report


@task(name="write the file", cache_policy=NO_CACHE)
def write_task(made: Made, out: str | None) -> dict[str, Any]:
    """Where it was asked for, or into the archive, which also knows it again."""
    if out is not None:
        return {"out": str(write_text(made.html, Path(out)))}
    with _database() as (context, db):
        home = context.settings.home
        commit = made.scope.commit
        lake = None if commit is None else lake_of(
            context.settings.lake_url, home, Ask(made.kind, commit=commit)
        )  # fmt: skip
        by = asked_by() or "a flow"
        kept = keep(db, home, made, lake=lake, by=by, now=context.clock.now())
    calls = {} if kept.calls is None else {"calls": str(kept.calls)}
    return {"id": str(kept.id), "out": str(kept.path), "commit": commit, **calls}


def _send(report: str) -> str:
    """What came of it in a sentence: a report that did not go out is there all the same."""
    with _database() as (context, db):
        outcome = deliver(
            db,
            context.settings.home,
            store.look(db, report),
            channels_of(context.settings),
            now=context.clock.now(),
            send=send_task,
        )
    return outcome.sentence


@task(
    name="send",
    cache_policy=NO_CACHE,
    retries=3,
    retry_delay_seconds=[10, 60, 300],
    retry_condition_fn=when_not_available,
)
def send_task(channel: Channel, message: Message) -> None:
    channel.send(message)


@contextmanager
def _database() -> Iterator[tuple[Context, Db]]:
    with (
        open_context() as context,
        connect(context.role_url("flows"), name="voice-ai reports", autocommit=True) as db,
    ):
        yield context, db
