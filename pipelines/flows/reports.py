"""Reports as flows: read, measure, write, keep, send."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from pipelines.flow_list import reports_folder
from pipelines.flows.progress import Progress
from pipelines.flows.recorded import asked_by, recorded
from pipelines.flows.retrying import when_not_available
from pipelines.lake import manifest as commits
from pipelines.lake.read import Lake
from pipelines.lake.store import Store, open_store
from pipelines.notify import Channel, Message, channels_of
from pipelines.report import CampaignReport
from pipelines.report.archive import keep
from pipelines.report.delivery import deliver
from pipelines.report.labels import count, interval, percent
from pipelines.report.make import Ask, Made, lake_of, make, moment_of_words
from pipelines.report.write import write_text
from pipelines.report_kinds import OF_A_CAMPAIGN, Kind
from voice_ai.context import Context, open_context
from voice_ai.db.connect import Db, connect
from voice_ai.errors import BadInput
from voice_ai.settings import Settings
from voice_ai.store import report_archive


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
    told = Progress("build-report", "bringing the lake up to date")
    made = make_task(Ask(kind, campaign, as_of=None if as_of is None else moment_of_words(as_of)))
    if kind == "campaign":
        figures_task(CampaignReport.model_validate(made.data))
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
    told = Progress("daily-report", "bringing the lake up to date")
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


# The same again is the same commit, or a newer one: trying again is safe.
@task(
    name="build from the lake",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def make_task(ask: Ask) -> Made:
    with open_context() as context:
        url = context.role_url("flows")
        source = lake_of(url, _store(context), ask, now=context.clock.now())
        return make(url, source, ask, rehearsal=context.rehearsal)


def _store(context: Context) -> Store:
    return open_store(context.settings.lake_url, context.settings.home)


@task(name="figures", cache_policy=NO_CACHE)
def figures_task(report: CampaignReport) -> None:
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


@task(name="write the file", cache_policy=NO_CACHE)
def write_task(made: Made, out: str | None) -> dict[str, Any]:
    """Where it was asked for, or into the archive, which also knows it again."""
    if out is not None:
        own = reports_folder(Settings.read().home)
        if Path(out).parent == own:  # the home's own folder is made when it is not there
            own.mkdir(parents=True, exist_ok=True)
        return {"out": str(write_text(made.html, Path(out)))}
    with _database() as (context, db):
        store, now = _store(context), context.clock.now()
        lake = Lake(store, commits.read(store, made.scope.commit))
        by = asked_by() or "a flow"
        kept = keep(db, context.settings.home, made, lake=lake, by=by, now=now)
    answer: dict[str, Any] = {"id": str(kept.id), "out": str(kept.path)}
    if kept.calls is not None:
        answer["calls"] = str(kept.calls)
    return {**answer, "commit": made.scope.commit}


def _send(report: str) -> str:
    """What came of it in a sentence: a report that did not go out is there all the same."""
    with _database() as (context, db):
        outcome = deliver(
            db,
            context.settings.home,
            report_archive.look(db, report),
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
