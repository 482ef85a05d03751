"""Lead files in, leads out: read, map the columns, judge every row, load in one transaction."""

from pipelines.imports.load import DEFAULT_SELLER, import_leads, preview
from pipelines.imports.read import LeadFile, read_leads
from pipelines.imports.report import ImportReport

__all__ = [
    "DEFAULT_SELLER",
    "ImportReport",
    "LeadFile",
    "import_leads",
    "preview",
    "read_leads",
]
