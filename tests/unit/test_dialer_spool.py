"""The spool of opt-outs: complete files only, kept until they are written down."""

from pathlib import Path
from uuid import uuid4

from dialer.spool import OptOutSpool
from voice_ai.ids import AttemptId


def test_a_spool_that_was_never_used_is_empty(tmp_path: Path) -> None:
    spool = OptOutSpool(tmp_path)
    assert spool.is_empty()
    assert list(spool.waiting()) == []
    spool.done(AttemptId(uuid4()))


def test_an_opt_out_waits_until_it_is_done_also_for_another_process(tmp_path: Path) -> None:
    first, second = AttemptId(uuid4()), AttemptId(uuid4())
    OptOutSpool(tmp_path).put(first, "asked")
    OptOutSpool(tmp_path).put(second, "pressed nine")
    OptOutSpool(tmp_path).put(second, "pressed nine")
    spool = OptOutSpool(tmp_path)
    assert dict(spool.waiting()) == {first: "asked", second: "pressed nine"}
    spool.done(first)
    assert dict(spool.waiting()) == {second: "pressed nine"}
    spool.done(second)
    assert spool.is_empty()


def test_a_half_written_opt_out_is_not_read(tmp_path: Path) -> None:
    spool, attempt_id = OptOutSpool(tmp_path), AttemptId(uuid4())
    spool.put(attempt_id, "asked")
    (written,) = tmp_path.rglob("*.json")
    written.with_name(f"{uuid4()}.draft").write_bytes(written.read_bytes()[:9])
    assert dict(spool.waiting()) == {attempt_id: "asked"}
