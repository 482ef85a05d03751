"""The keyring: what is sealed opens with the same key only, and a home has one secret."""

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_ai.db.roles import ROLES
from voice_ai.errors import BadInput, NotAvailable
from voice_ai.vault import SECRET_FILE, Keyring

MINE = Keyring(b"m" * 32)
OTHER = Keyring(b"o" * 32)
NUMBER = "+12125550123"


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=20))
def test_what_is_sealed_can_be_opened_again(plain: bytes, aad: bytes) -> None:
    assert MINE.decrypt(MINE.encrypt(plain, aad), aad) == plain


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=20), st.binary(max_size=20))
def test_many_are_sealed_like_one(plains: list[bytes], aad: bytes) -> None:
    sealed = MINE.encrypt_many(iter(plains), aad)
    assert [MINE.decrypt(one, aad) for one in sealed] == plains
    assert len({one[:12] for one in sealed}) == len(plains)


def test_the_same_plain_text_is_never_sealed_the_same_way_twice() -> None:
    assert MINE.encrypt(b"same") != MINE.encrypt(b"same")
    one, other = MINE.encrypt_many([b"same", b"same"])
    assert one != other
    assert b"same" not in one


def test_another_key_or_other_data_beside_it_does_not_open_it() -> None:
    sealed = MINE.encrypt(b"plain", b"context")
    with pytest.raises(BadInput, match="VOICE_AI_SECRET_KEY"):
        OTHER.decrypt(sealed, b"context")
    with pytest.raises(BadInput):
        MINE.decrypt(sealed, b"other context")


@settings(deadline=None)
@given(st.integers(0, 12 + 5 + 16 - 1), st.integers(1, 255))
def test_one_changed_byte_is_noticed(at: int, by: int) -> None:
    sealed = bytearray(MINE.encrypt(b"plain"))
    sealed[at] ^= by
    with pytest.raises(BadInput):
        MINE.decrypt(bytes(sealed))


@settings(deadline=None)
@given(st.integers(0, 12 + 5 + 16 - 1))
def test_cut_off_data_is_a_sentence_too(length: int) -> None:
    with pytest.raises(BadInput, match="does not open"):
        MINE.decrypt(MINE.encrypt(b"plain")[:length])


def test_equal_numbers_match_under_one_key_and_under_no_other() -> None:
    assert MINE.fingerprint(NUMBER) == Keyring(b"m" * 32).fingerprint(NUMBER)
    assert MINE.fingerprint(NUMBER) != MINE.fingerprint("+12125550124")
    assert MINE.fingerprint(NUMBER) != OTHER.fingerprint(NUMBER)
    assert len(MINE.fingerprint(NUMBER)) == 32
    numbers = [NUMBER, "+12125550124"]
    assert MINE.fingerprints(numbers) == [MINE.fingerprint(number) for number in numbers]


def test_each_purpose_and_each_role_has_its_own_key() -> None:
    assert MINE.derive("one") != MINE.derive("other")
    assert MINE.derive("one") == Keyring(b"m" * 32).derive("one")
    passwords = {ring.password_for(role) for ring in (MINE, OTHER) for role in ROLES}
    assert len(passwords) == 2 * len(ROLES)
    assert all(len(password) >= 32 for password in passwords)
    assert MINE.key_id != OTHER.key_id


def test_a_given_secret_is_used_and_no_file_is_made(tmp_path: Path) -> None:
    secret = base64.urlsafe_b64encode(b"g" * 32).decode()
    ring = Keyring.open(tmp_path / "home", f" {secret}\n")
    assert ring.key_id == Keyring(b"g" * 32).key_id
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    "secret",
    [
        "too short",
        "é" * 44,
        base64.urlsafe_b64encode(b"g" * 31).decode(),
        base64.urlsafe_b64encode(b"g" * 33).decode(),
        # A slip of the hand inside must not silently become another key.
        "!" + base64.urlsafe_b64encode(b"g" * 32).decode(),
        base64.urlsafe_b64encode(b"g" * 32).decode()[:-1],
    ],
)
def test_a_mistyped_secret_is_refused_without_repeating_it(secret: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="VOICE_AI_SECRET_KEY") as raised:
        Keyring.open(tmp_path, secret)
    assert secret not in raised.value.message
    assert not list(tmp_path.iterdir())


def test_a_home_keeps_its_secret_to_itself(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    first = Keyring.open(home, None)
    assert Keyring.open(home, None).key_id == first.key_id
    assert Keyring.open(tmp_path / "another", None).key_id != first.key_id
    assert [path.name for path in home.iterdir()] == [SECRET_FILE]
    assert stat.S_IMODE((home / SECRET_FILE).stat().st_mode) == 0o600


def test_a_home_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotAvailable, match="VOICE_AI_HOME"):
        Keyring.open(tmp_path / "file" / "home", None)


def test_processes_that_start_together_end_up_with_one_secret(tmp_path: Path) -> None:
    home = tmp_path / "home"
    program = (
        "import sys; from pathlib import Path; from voice_ai.vault import Keyring\n"
        "print('ready', flush=True); sys.stdin.read()\n"
        "print(Keyring.open(Path(sys.argv[1]), None).key_id)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.close()
        said = set()
        for process in processes:
            assert process.stdout is not None
            said.add(process.stdout.read())
            assert process.wait() == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    assert said == {Keyring.open(home, None).key_id + "\n"}
    assert [path.name for path in home.iterdir()] == [SECRET_FILE]
