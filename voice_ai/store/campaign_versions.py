"""A campaign's versions, read back from the database into what a person can edit."""

from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from typing import Any

from voice_ai.campaigns import campaign_yaml
from voice_ai.db import queries
from voice_ai.db.connect import Db, Row
from voice_ai.errors import NotFound
from voice_ai.ids import CampaignId
from voice_ai.vault import Keyring

_SQL = queries("campaigns")


@dataclass(frozen=True)
class StoredVersion:
    """`data` is the campaign file as data, its numbers opened."""

    version: int
    data: dict[str, Any]
    script_text: str
    created_by: str
    created_at: datetime

    @property
    def yaml(self) -> str:
        return campaign_yaml(self.data)


def versions(db: Db, campaign_id: CampaignId) -> list[Row]:
    """The newest first: version, script_name, created_by, created_at, in_force."""
    return db.execute(_SQL.versions, {"campaign_id": campaign_id}).fetchall()


def stored_version(
    db: Db, keyring: Keyring, campaign_id: CampaignId, version: int | None = None
) -> StoredVersion:
    """That version, or the one in force. Raises NotFound."""
    values = {"campaign_id": campaign_id, "version": version}
    row = db.execute(_SQL.stored_version, values).fetchone()
    if row is None:
        which = "version in force" if version is None else f"version {version}"
        raise NotFound(f"the campaign has no {which}")
    return StoredVersion(
        version=row["version"],
        data=_opened(row, keyring),
        script_text=row["script"],
        created_by=row["created_by"],
        created_at=row["created_at"],
    )


def version_as_yaml(
    db: Db, keyring: Keyring, campaign_id: CampaignId, version: int | None = None
) -> str:
    """The campaign file that says the same. Raises NotFound."""
    return stored_version(db, keyring, campaign_id, version).yaml


def difference(old: StoredVersion, new: StoredVersion) -> str:
    """Unified diff of the campaign file and of the script; empty when neither changed."""
    parts = (("campaign", old.yaml, new.yaml), ("script", old.script_text, new.script_text))
    return "\n".join(
        line
        for what, before, after in parts
        for line in unified_diff(
            before.splitlines(),
            after.splitlines(),
            f"{what}, version {old.version}",
            f"{what}, version {new.version}",
            lineterm="",
        )
    )


def _opened(row: Row, keyring: Keyring) -> dict[str, Any]:
    config = dict(row["config"] or {})
    seller = {"name": row["seller"], "legal_name": row["legal_name"], **config.pop("seller", {})}
    if row["callback_sealed"] is not None:
        seller["callback_number"] = keyring.decrypt(row["callback_sealed"]).decode()
    numbers, colleagues = (
        [keyring.decrypt(sealed).decode() for sealed in row[name] if sealed]
        for name in ("caller_ids_sealed", "transfer_to_sealed")
    )
    if config.get("transfer"):
        config["transfer"] = {"to": colleagues, **config["transfer"]}
    first = {"name": row["name"], "seller": seller, "list": row["list"]}
    return {**first, "script": row["script_name"], "caller_ids": numbers, **_after(config, first)}


def _after(config: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in first}
