"""What the vendor says about itself and the account: models, voices, user, subscription."""

from dataclasses import dataclass
from typing import Any, Final

from dialer.simulator.speech.account import Account
from dialer.simulator.speech.voices import CATALOGUE, Voice

Json = dict[str, Any]

_ACCOUNT_CREATED_UNIX: Final = 1_700_000_000


@dataclass(frozen=True)
class TtsModel:
    """`cost` is credits per character."""

    id: str
    name: str
    cost: float
    longest_text: int


TTS_MODELS: Final = {
    model.id: model
    for model in (
        TtsModel("eleven_flash_v2_5", "Eleven Flash v2.5", 0.5, 40_000),
        TtsModel("eleven_turbo_v2_5", "Eleven Turbo v2.5", 0.5, 40_000),
        TtsModel("eleven_multilingual_v2", "Eleven Multilingual v2", 1.0, 10_000),
        TtsModel("eleven_v3", "Eleven v3", 1.0, 5_000),
    )
}
STT_MODELS: Final = ("scribe_v1", "scribe_v2")
REALTIME_STT_MODELS: Final = ("scribe_v2_realtime",)


def models() -> list[Json]:
    return [
        {
            "model_id": model.id,
            "name": model.name,
            "can_be_finetuned": False,
            "can_do_text_to_speech": True,
            "can_do_voice_conversion": False,
            "can_use_style": False,
            "can_use_speaker_boost": False,
            "serves_pro_voices": False,
            "token_cost_factor": 1.0,
            "description": "Simulated: deterministic speech, made locally.",
            "requires_alpha_access": False,
            "max_characters_request_free_user": 2500,
            "max_characters_request_subscribed_user": model.longest_text,
            "maximum_text_length_per_request": model.longest_text,
            "languages": [{"language_id": "en", "name": "English"}],
            "model_rates": {"character_cost_multiplier": model.cost},
            "concurrency_group": "turbo" if model.cost < 1 else "standard",
        }
        for model in TTS_MODELS.values()
    ]


def voice(voice: Voice) -> Json:
    return {
        "voice_id": voice.id,
        "name": voice.name,
        "category": "premade",
        "labels": {"accent": "american", "gender": voice.gender, "use_case": "conversational"},
        "description": "Simulated: formant synthesis.",
        "preview_url": None,
        "available_for_tiers": [],
        "settings": None,
        "high_quality_base_model_ids": list(TTS_MODELS),
        "is_legacy": False,
        "is_mixed": False,
    }


def voices() -> Json:
    return {"voices": [voice(each) for each in CATALOGUE]}


def voices_page(search: str | None, page_size: int, after: str | None) -> Json:
    """One page of /v2/voices; a page's token is the number of voices before it."""
    found = [v for v in CATALOGUE if not search or search.lower() in v.name.lower()]
    start = int(after) if after and after.isdigit() else 0
    page = found[start : start + page_size]
    more = start + len(page) < len(found)
    return {
        "voices": [voice(each) for each in page],
        "has_more": more,
        "total_count": len(found),
        "next_page_token": str(start + len(page)) if more else None,
    }


def subscription(account: Account) -> Json:
    return {
        "tier": account.config.tier,
        "character_count": account.character_count,
        "character_limit": account.config.character_limit,
        "max_character_limit_extension": None,
        "max_credit_limit_extension": 0,
        "can_extend_character_limit": False,
        "allowed_to_extend_character_limit": False,
        "next_character_count_reset_unix": None,
        "voice_slots_used": 0,
        "professional_voice_slots_used": 0,
        "professional_voice_slots_used_in_workspace": 0,
        "voice_limit": 30,
        "max_voice_add_edits": None,
        "voice_add_edit_counter": 0,
        "professional_voice_limit": 1,
        "can_extend_voice_limit": False,
        "can_use_instant_voice_cloning": False,
        "can_use_professional_voice_cloning": False,
        "currency": "usd",
        "current_overage": {"amount": "0", "currency": "usd"},
        "status": "active",
        "billing_period": "monthly_period",
        "character_refresh_period": "monthly_period",
        "next_invoice": None,
        "open_invoices": [],
        "has_open_invoices": False,
    }


def user(account: Account) -> Json:
    return {
        "user_id": "simulated-user",
        "workspace_id": "simulated-workspace",
        "subscription": subscription(account),
        "is_new_user": False,
        "can_use_delayed_payment_methods": False,
        "is_onboarding_completed": True,
        "is_onboarding_checklist_completed": True,
        "first_name": "Rehearsal",
        "created_at": _ACCOUNT_CREATED_UNIX,
        "seat_type": "workspace_member",
    }


def character_stats(account: Account, since_unix: int, until_unix: int) -> Json:
    """All of the usage on the period's last day, in milliseconds as the vendor has it."""
    days = [*range(since_unix, max(until_unix, since_unix) + 1, 86_400_000)]
    usage = [0.0] * (len(days) - 1) + [float(account.character_count)]
    return {"time": days, "usage": {"All": usage}}
