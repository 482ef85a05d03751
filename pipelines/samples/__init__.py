"""The sample campaign: invented businesses behind 555-01xx numbers, which nobody has."""

from contextlib import AbstractContextManager
from importlib.resources import as_file, files
from pathlib import Path

SELLER = "Sunrise Health Group"
LIST = "Sample leads"
# None of the sample leads has one of these area codes.
_CALLER_AREAS = (646, 872, 628, 737, 720, 480, 786, 470)

_CAMPAIGN = """\
name: {name}
seller:
  name: {seller}
  legal_name: {legal_name}
  callback_number: "+18005550199"
list: {leads}
script: satisfaction_survey
caller_ids: [{caller_ids}]
slots:
  service: our appointment service
schedule: {{start: "08:00", end: "21:00", days: [mon, tue, wed, thu, fri]}}
pacing: {{max_concurrent: {max_concurrent}, calls_per_second: {calls_per_second}}}
{limit}"""


# How many numbers there are to call from.
LINES = 100 * len(_CALLER_AREAS)


def caller_id(line: int) -> str:
    """A number to call from, in E.164; from `LINES` on they come again."""
    area = _CALLER_AREAS[line // 100 % len(_CALLER_AREAS)]
    return f"+1{area}55501{line % 100:02}"


def leads_file() -> AbstractContextManager[Path]:
    return as_file(files("pipelines.samples") / "sample_leads.csv")


def campaign_yaml(
    name: str,
    *,
    seller: str = SELLER,
    leads: str = LIST,
    line: int = 0,
    max_concurrent: int = 12,
    calls_per_second: float = 1.0,
    max_leads: int | None = None,
) -> str:
    """A satisfaction survey for a list, as a campaign file; `line` picks the caller ids."""
    return _CAMPAIGN.format(
        name=name,
        seller=seller,
        legal_name=SELLER,
        leads=leads,
        caller_ids=f'"{caller_id(line)}"',
        max_concurrent=max_concurrent,
        calls_per_second=calls_per_second,
        limit=f"max_leads: {max_leads}\n" if max_leads is not None else "",
    )
