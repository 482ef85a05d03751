"""Which lead model takes part in a seller's scores: its champion, while its files are sound."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import structlog

from ml.table.kept import LeadModel, champion, shelf_of
from voice_ai.errors import Refused

_LOG = structlog.get_logger(__name__)


def lead_models(home: Path) -> Callable[[UUID, bool], LeadModel | None]:
    """Loads a seller's champion. One that is refused is as none: leads are scored by counting."""

    def served(seller_id: UUID, rehearsal: bool) -> LeadModel | None:  # noqa: FBT001
        try:
            return champion(home, shelf_of(seller_id, rehearsal=rehearsal))
        except Refused as error:
            _LOG.warning("lead_model_refused", seller=str(seller_id), reason=error.message)
            return None

    return served
