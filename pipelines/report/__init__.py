"""A campaign's report: one object, and one self-contained HTML page made from it."""

from pipelines.report.build import CampaignReport, build_report
from pipelines.report.html import render_html

__all__ = ["CampaignReport", "build_report", "render_html"]
