"""The one MetaData and the column shapes that many tables share."""

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, UUID

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def uuid_key(comment: str = "random id") -> Column[Any]:
    return Column(
        "id",
        UUID(as_uuid=True),
        primary_key=True,
        server_default=text("gen_random_uuid()"),
        comment=comment,
    )


def moment(name: str, comment: str, *, nullable: bool = True, now: bool = False) -> Column[Any]:
    """A time zone-aware timestamp; `now` lets the database fill in its own clock."""
    return Column(
        name,
        DateTime(timezone=True),
        nullable=nullable,
        server_default=text("now()") if now else None,
        comment=comment,
    )


def ref(name: str, target: str, comment: str, *, nullable: bool = False, **kw: Any) -> Column[Any]:
    return Column(name, ForeignKey(target), nullable=nullable, comment=comment, **kw)


def sealed(name: str, comment: str, *, nullable: bool = True) -> Column[Any]:
    """Nonce and AES-256-GCM ciphertext of personal data (`voice_ai.vault`)."""
    return Column(name, BYTEA, nullable=nullable, comment=f"{comment} (AES-256-GCM)")


def document(name: str, comment: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, JSONB, nullable=nullable, comment=comment)
