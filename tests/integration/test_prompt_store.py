"""Rendered prompts in Postgres: sealed, with the times of their characters."""

from dialer.ports import Recording
from dialer.prompt_store import PostgresPrompts
from tests.integration.dialer_parts import House

pytest_plugins = ("tests.integration.dialer_fixtures",)


async def test_a_prompt_comes_back_as_it_was_rendered(dialer: House) -> None:
    store = PostgresPrompts(dialer.pool, dialer.keyring, dialer.clock)
    aligned, plain = Recording(b"\x7f" * 800, (10, 40, 90)), Recording(b"\x10" * 80)
    for digest, said in (("a", aligned), ("b", plain)):
        await store.put(digest, voice="v", model="m", said=said)
    assert await store.get("a") == aligned
    assert await store.get("b") == plain
    assert await store.get("c") is None
    rows = dialer.office.rows("SELECT audio_sealed, ends_ms FROM prompts ORDER BY sha256")
    assert [row["ends_ms"] for row in rows] == [[10, 40, 90], None]
    assert all(bytes(row["audio_sealed"]).find(b"\x10" * 8) < 0 for row in rows)
