"""Roles with their own logins: what a process cannot do, a bug in it cannot do either.

| role    | may |
|---------|-----|
| dialer  | claim, dial, write calls, events, turns, decisions, suppressions |
| flows   | import lists, score leads, read everything |
| app     | read, ask (commands, flow requests), make campaigns, suppress |
| analyst | read the views, nothing else |

Nobody but the owner may change or delete an event, a decision, a suppression, a campaign's version
or an entry of the audit log.
"""

import psycopg
from psycopg import sql

from voice_ai.vault import Keyring

ROLES = ("dialer", "flows", "app", "analyst")

_READ_ALL = "SELECT ON ALL TABLES IN SCHEMA public"
_END_EXPERIMENT = "UPDATE (stopped_at, stopped_reason, stopped_by, winner, harmful) ON experiments"
_GRANTS: dict[str, tuple[str, ...]] = {
    "dialer": (
        _READ_ALL,
        "INSERT ON attempts, calls, call_events, turns, model_predictions, shadow_predictions,"
        " decisions, suppressions, consents, recordings, cost_lines, outbox, audit_log, workers,"
        " alerts, numbers, carrier_pace, prompts, switches, campaign_pace, pace_changes,"
        " inbound_contacts, preflights, commands, transfers, experiments, assignments,"
        " assignment_strata",
        "UPDATE ON attempts, calls, turns, recordings, campaign_leads, campaigns, commands,"
        " workers, alerts, carrier_pace, outbox, campaign_pace, caller_ids, inbound_contacts,"
        " preflights, transfers, assignment_strata",
        "UPDATE (revoked_at, revoked_through) ON consents",
        "EXECUTE ON FUNCTION ensure_event_partition(date)",
    ),
    "flows": (
        _READ_ALL,
        "INSERT, UPDATE ON sellers, numbers, lead_lists, leads, import_runs, import_rejects,"
        " campaigns, caller_ids, campaign_leads, lead_scores, consents, list_snapshots,"
        " flow_requests, gate_results, commands, alerts, workers, prices, daily_summaries,"
        " list_entries, model_watch, rollouts, report_archive",
        "INSERT ON campaign_versions, suppressions, audit_log, model_references, label_samples,"
        " rollout_steps, qa_scores, turn_scores",
        _END_EXPERIMENT,
        "UPDATE (planned_n, verdict, judged_at) ON experiments",
        "EXECUTE ON FUNCTION lake_restamp()",
        "DELETE ON leads, campaign_leads, import_rejects, lead_scores, list_entries, model_watch",
    ),
    "app": (
        _READ_ALL,
        "INSERT, UPDATE ON sellers, numbers, campaigns, caller_ids, campaign_leads, commands,"
        " flow_requests, switches, alerts, users, workers, carrier_limits, list_snapshots,"
        " list_entries, prices",
        "INSERT ON campaign_versions, suppressions, consents, audit_log, preflights, qa_scores,"
        " turn_labels",
        "DELETE ON list_entries",
        _END_EXPERIMENT,
        "UPDATE (purged_at) ON recordings",
        "UPDATE (withdrawn_at) ON turn_labels",
        "UPDATE (revoked_at, revoked_through) ON consents",
    ),
    "analyst": (
        "SELECT ON v_leads, v_attempts, v_calls, v_turns, v_events, v_decisions, v_campaign_day,"
        " dispositions",
    ),
}


def role_name(database: str, role: str) -> str:
    """Roles belong to the whole server, so they carry the database's name."""
    return f"{database}_{role}"


def grant_roles(connection: psycopg.Connection, keyring: Keyring) -> bool:
    """Makes the roles, sets their passwords and rights; False when the login may not make roles."""
    row = connection.execute(
        "SELECT current_database(), rolcreaterole OR rolsuper FROM pg_roles"
        " WHERE rolname = current_user"
    ).fetchone()
    if row is None or not row[1]:
        return False
    database = str(row[0])
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('voice_ai roles'))")
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    connection.execute("REVOKE ALL ON FUNCTION ensure_event_partition(date) FROM PUBLIC")
    connection.execute("REVOKE ALL ON FUNCTION lake_restamp() FROM PUBLIC")
    for role in ROLES:
        _grant(connection, role_name(database, role), role, keyring)
    connection.commit()
    return True


def _grant(connection: psycopg.Connection, name: str, role: str, keyring: Keyring) -> None:
    who = sql.Identifier(name)
    known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
    verb = sql.SQL("CREATE" if known is None else "ALTER")
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
            verb, who, sql.Literal(keyring.password_for(role))
        )
    )
    connection.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(who))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(who))
    for right in _GRANTS[role]:
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.SQL(right), who))
