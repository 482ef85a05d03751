"""Build a campaign's report as a flow: read, measure, write."""

from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from pipelines.flow_list import report_name, reports_folder
from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from pipelines.flows.retrying import when_not_available
from pipelines.metrics.frames import CampaignFrames
from pipelines.report import CampaignReport, build_report
from pipelines.report.labels import count, interval, percent
from pipelines.report.write import read_campaign, write_html
from voice_ai.context import open_context
from voice_ai.settings import Settings


@flow(name="build-report", flow_run_name="report of {campaign}")
@recorded("build-report")
def build_report_flow(campaign: str, out: str | None = None) -> dict[str, Any]:
    """Writes a campaign's report as one HTML file; answers with its path and main figures.

    Args:
        campaign: Name of the campaign.
        out: Where to write the file; left out: the reports folder of the home.
    """
    told = Progress("build-report", "reading the campaign")
    frames, as_of = read_task(campaign)
    told.at(0.4, "measuring")
    report = measure_task(frames, as_of)
    told.at(0.8, "writing")
    path = write_task(report, str(_place(campaign, out)))
    told.at(1.0, f"{report.attempts:,} attempts")
    return {"out": path, "campaign": report.campaign, "attempts": report.attempts}


def _place(campaign: str, out: str | None) -> Path:
    """Where the file goes; the home's own folder for reports is made when it is not there."""
    folder = reports_folder(Settings.read().home)
    path = Path(out) if out else folder / report_name(campaign)
    if path.parent == folder:
        folder.mkdir(parents=True, exist_ok=True)
    return path


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
def write_task(report: CampaignReport, out: str) -> str:
    return str(write_html(report, Path(out)))
