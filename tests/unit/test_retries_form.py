"""The campaign form says all of a retry policy, and loses none of it."""

from app import campaign_form as form
from voice_ai.campaigns import campaign_yaml
from voice_ai.retries import DEFAULT_RULES, RetryPolicy


def test_the_table_of_rules_gives_back_what_it_was_given() -> None:
    policy = RetryPolicy.model_validate({"rules": {"busy": {"delays_s": [60, 7200], "most": 2}}})
    rules = policy.model_dump(mode="json")["rules"]
    again, faults = form.rules_of(form.rules_frame(rules).to_dicts())
    assert faults == {}
    assert RetryPolicy.model_validate({"rules": again}) == policy


def test_defaults_leave_no_trace_in_the_file() -> None:
    data = form.defaults()
    rules, _ = form.rules_of(form.rules_frame(data["retries"]["rules"]).to_dicts())
    data["retries"]["rules"] = rules
    text = campaign_yaml(data)
    assert "rules" not in text
    assert "cool_down_days: 30" in text
    assert set(rules) == set(DEFAULT_RULES)


def test_every_field_of_the_policy_is_explained() -> None:
    for field in ("max_attempts", "cool_down_days", "rules"):
        assert form.about(f"retries.{field}")
