"""Import a lead file as a flow."""

from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from pipelines.flows.progress import Progress
from pipelines.flows.recorded import recorded
from pipelines.flows.retrying import when_not_available
from pipelines.imports import DEFAULT_SELLER, import_leads
from voice_ai.context import open_context


@flow(name="import-leads", flow_run_name="import into {list_name}")
@recorded("import-leads")
def import_leads_flow(
    file: str,
    list_name: str,
    seller: str = DEFAULT_SELLER,
    mapping: dict[str, str] | None = None,
    consent: str | None = None,
    attested_by: str | None = None,
) -> dict[str, Any]:
    """Loads a lead file into a list, in one transaction; answers with the ImportReport.

    The same file again changes nothing. In a rehearsal, rehearsal consent is attested on a new
    list.

    Args:
        file: Path of a CSV, XLSX or Parquet file on the machine of the flows process.
        list_name: The list the leads go to; made when it is new.
        seller: The business that will call.
        mapping: Field to column, where a guess is wrong, as in {"phone": "Telefon"}.
        consent: Attested for a whole new list: written or express.
        attested_by: Who attests it.
    """
    return import_task(file, list_name, seller, mapping, consent, attested_by)


# One transaction, and the same file again changes nothing: trying again is safe.
@task(
    name="import the file",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=2,
    retry_condition_fn=when_not_available,
)
def import_task(
    file: str,
    list_name: str,
    seller: str,
    mapping: dict[str, str] | None,
    consent: str | None,
    attested_by: str | None,
) -> dict[str, Any]:
    told = Progress("import-leads", "reading and judging rows")
    with open_context() as context:
        report = import_leads(
            context.role_url("flows"),
            context.keyring,
            Path(file),
            list_name=list_name,
            seller=seller,
            rehearsal=context.rehearsal,
            consent_kind=consent or ("rehearsal" if context.rehearsal else None),
            attested_by=attested_by or "flow import-leads",
            mapping=mapping,
            home=context.settings.home,
            now=context.clock.now(),
            progress=lambda rows, part: told.at(part),
        )
    told.at(1.0, f"{report.accepted:,} of {report.rows:,} rows accepted")
    return report.model_dump(mode="json")
