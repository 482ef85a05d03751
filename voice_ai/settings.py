"""What one process is told from outside: the environment, read once in an entry point."""

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from voice_ai.clock import parse_clock_start
from voice_ai.errors import BadInput, Refused

LIVE_CALLS_YES = "yes"
_MAIL = re.compile(r"[^@\s,<>]+@[^@\s,<>]+")


class Settings(BaseSettings):
    """The stable environment variables (names in capitals), with their defaults."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    database_url: SecretStr | None = Field(None, alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(None, alias="REDIS_URL")
    home: Path = Field(Path(".voice-ai"), alias="VOICE_AI_HOME")
    public_url: str = Field("http://127.0.0.1:3000", alias="VOICE_AI_PUBLIC_URL")
    lake_url: str | None = Field(None, alias="VOICE_AI_LAKE_URL")
    live_calls: str | None = Field(None, alias="VOICE_AI_LIVE_CALLS")
    clock_start: datetime | None = Field(None, alias="VOICE_AI_CLOCK_START")
    secret_key: SecretStr | None = Field(None, alias="VOICE_AI_SECRET_KEY")
    twilio_account_sid: str | None = Field(None, alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr | None = Field(None, alias="TWILIO_AUTH_TOKEN")
    twilio_base_url: str | None = Field(None, alias="TWILIO_BASE_URL")
    elevenlabs_api_key: SecretStr | None = Field(None, alias="ELEVENLABS_API_KEY")
    elevenlabs_base_url: str | None = Field(None, alias="ELEVENLABS_BASE_URL")
    llm_base_url: str | None = Field(None, alias="VOICE_AI_LLM_BASE_URL")
    llm_api_key: SecretStr | None = Field(None, alias="VOICE_AI_LLM_API_KEY")
    llm_model: str | None = Field(None, alias="VOICE_AI_LLM_MODEL")
    mlflow_tracking_uri: str | None = Field(None, alias="MLFLOW_TRACKING_URI")
    prefect_api_url: str | None = Field(None, alias="PREFECT_API_URL")
    smtp_url: SecretStr | None = Field(None, alias="VOICE_AI_SMTP_URL")
    report_to: str | None = Field(None, alias="VOICE_AI_REPORT_TO")
    webhook_url: SecretStr | None = Field(None, alias="VOICE_AI_WEBHOOK_URL")

    @field_validator("home", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("clock_start", mode="before")
    @classmethod
    def _aware(cls, value: Any) -> Any:
        return parse_clock_start(value) if isinstance(value, str) else value

    @field_validator(
        "twilio_base_url", "elevenlabs_base_url", "llm_base_url", "public_url", mode="after"
    )
    @classmethod
    def _http_address(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in {"http", "https"}:
            raise ValueError(f"{value!r} is not an http or https address")
        return value.rstrip("/") if value else value

    @field_validator("database_url", mode="after")
    @classmethod
    def _postgres_address(cls, value: SecretStr | None) -> SecretStr | None:
        # The address holds a password: the message must not repeat it.
        if value is not None and not _is_address(value, {"postgresql", "postgres"}):
            raise ValueError(
                "this is not an address like postgresql://user:password@host:5432/name"
            )
        return value

    @field_validator("redis_url", mode="after")
    @classmethod
    def _redis_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_address(value, {"redis", "rediss", "unix"}):
            raise ValueError("this is not an address like redis://:password@host:6379/0")
        return value

    # What follows may hold a password or a token: the messages must not repeat it.
    @field_validator("smtp_url", mode="after")
    @classmethod
    def _mail_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_address(value, {"smtp", "smtps"}, host=True):
            raise ValueError("this is not an address like smtp://user:password@host:587")
        return value

    @field_validator("webhook_url", mode="after")
    @classmethod
    def _webhook_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_address(value, {"http", "https"}, host=True):
            raise ValueError("this is not an http or https address")
        return value

    @field_validator("report_to", mode="after")
    @classmethod
    def _receivers(cls, value: str | None) -> str | None:
        wrong = [one for one in _listed(value) if not _MAIL.fullmatch(one)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not an e-mail address; separate several by commas")
        return value

    @classmethod
    def read(cls) -> "Settings":
        """The settings of this process. Raises BadInput naming the variable that is wrong."""
        try:
            settings = cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else "environment"
            raise BadInput(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
        if settings.clock_start and settings.live_allowed:
            raise Refused(
                "VOICE_AI_CLOCK_START is for rehearsals; unset it, or unset VOICE_AI_LIVE_CALLS"
            )
        if settings.llm_base_url and not settings.llm_model:
            raise BadInput(
                "VOICE_AI_LLM_MODEL: name the model that VOICE_AI_LLM_BASE_URL is asked for, or"
                " unset both"
            )
        if bool(settings.smtp_url) != bool(settings.report_to):
            raise BadInput(
                "VOICE_AI_SMTP_URL and VOICE_AI_REPORT_TO go together: by which server mail is"
                " sent, and to whom; set both, or unset both"
            )
        return settings

    @property
    def receivers(self) -> tuple[str, ...]:
        """To whom reports are mailed."""
        return _listed(self.report_to)

    @property
    def live_allowed(self) -> bool:
        return self.live_calls == LIVE_CALLS_YES

    @property
    def has_carrier_credentials(self) -> bool:
        return self.twilio_account_sid is not None and self.twilio_auth_token is not None

    @property
    def home_was_chosen(self) -> bool:
        """Whether VOICE_AI_HOME was set, which also moves MLflow's home there."""
        return bool(os.environ.get("VOICE_AI_HOME"))


def _listed(value: str | None) -> tuple[str, ...]:
    return tuple(one.strip() for one in (value or "").split(",") if one.strip())


def _is_address(value: SecretStr, schemes: set[str], *, host: bool = False) -> bool:
    try:
        parts = urlsplit(value.get_secret_value())
        named = bool(parts.hostname) or not host
        return parts.scheme in schemes and (parts.port or 1) > 0 and named
    except ValueError:
        return False
