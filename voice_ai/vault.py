"""The keys of one installation: keyed fingerprints for matching, AES-GCM for reading back.

One 32-byte secret (VOICE_AI_SECRET_KEY, or `secret.key` in the home, made on first use) is
stretched with HKDF into a key per purpose: a leak of one key says nothing about the others.
"""

import base64
import binascii
import hashlib
import hmac
import os
import struct
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import add
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from voice_ai.errors import BadInput, NotAvailable

SECRET_FILE = "secret.key"
NONCE_BYTES = 12
_HMAC_BLOCK_BYTES = 64


class Keyring:
    """Fingerprints, encryption and login passwords of one installation."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.key_id = hashlib.sha256(b"key-id" + secret).hexdigest()[:8]
        self._fingerprint_key = self.derive("number-fingerprint")
        self._hmac = _hmac_halves(self._fingerprint_key)
        self._cipher = AESGCM(self.derive("personal-data"))

    @classmethod
    def open(cls, home: Path, secret: str | None) -> "Keyring":
        """The keyring for `secret`, else for the home's secret file, which is made when absent."""
        return cls(_parse(secret) if secret else _secret_of(home))

    def derive(self, purpose: str) -> bytes:
        """32 bytes bound to one purpose (HKDF-SHA256, RFC 5869)."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(
            self._secret
        )

    def password_for(self, role: str) -> str:
        return base64.urlsafe_b64encode(self.derive(f"role:{role}")[:24]).decode()

    def fingerprint(self, number: str) -> bytes:
        """HMAC-SHA256 of an E.164 number, 32 bytes: equal numbers match, nobody can go back."""
        return hmac.digest(self._fingerprint_key, number.encode(), "sha256")

    def fingerprints(self, numbers: Iterable[str]) -> list[bytes]:
        """The same for many: both keyed states of the HMAC are made once and copied."""
        inner, outer = self._hmac
        prints: list[bytes] = []
        for number in numbers:
            half = inner.copy()
            half.update(number.encode())
            whole = outer.copy()
            whole.update(half.digest())
            prints.append(whole.digest())
        return prints

    def encrypt(self, plain: bytes, aad: bytes = b"") -> bytes:
        """Nonce (12 bytes) followed by the AES-256-GCM ciphertext and tag."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, aad)

    def encrypt_many(self, plains: Iterable[bytes], aad: bytes = b"") -> list[bytes]:
        nonces, ciphertexts = self.encrypt_apart(list(plains), aad)
        return list(map(add, _each_nonce(nonces), ciphertexts))

    def encrypt_apart(self, plains: Sequence[bytes], aad: bytes = b"") -> tuple[bytes, list[bytes]]:
        """The nonces, end to end, and the ciphertexts: for who packs them with more."""
        nonces = os.urandom(NONCE_BYTES * len(plains))
        each = map(self._cipher.encrypt, _each_nonce(nonces), plains, repeat(aad))
        return nonces, list(each)

    def decrypt(self, sealed: bytes, aad: bytes = b"") -> bytes:
        """The plain bytes. Raises BadInput on another key or on changed bytes."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
        except (InvalidTag, ValueError) as error:  # ValueError: shorter than a nonce
            raise BadInput(
                "encrypted data does not open with this key; "
                "check VOICE_AI_SECRET_KEY or the home's secret.key"
            ) from error


def _each_nonce(nonces: bytes) -> tuple[bytes, ...]:
    return struct.unpack(f"{NONCE_BYTES}s" * (len(nonces) // NONCE_BYTES), nonces)


def _hmac_halves(key: bytes) -> tuple["hashlib._Hash", "hashlib._Hash"]:
    """SHA-256 with the inner and the outer pad of a key in it (RFC 2104)."""
    block = key.ljust(_HMAC_BLOCK_BYTES, b"\0")
    inner, outer = (bytes(byte ^ pad for byte in block) for pad in (0x36, 0x5C))
    return hashlib.sha256(inner), hashlib.sha256(outer)


def _parse(secret: str) -> bytes:
    try:
        raw = base64.b64decode(secret.strip(), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("VOICE_AI_SECRET_KEY must be 32 bytes in URL-safe base64") from error
    if len(raw) != 32:
        raise BadInput(f"VOICE_AI_SECRET_KEY must be 32 bytes in URL-safe base64, not {len(raw)}")
    return raw


def _secret_of(home: Path) -> bytes:
    path = home / SECRET_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotAvailable(
            f"the data folder {home} cannot be made ({error.strerror});"
            " set VOICE_AI_HOME to a folder that you may write to"
        ) from error
    # The file appears complete or not at all: two processes that start together must not
    # end up with two secrets.
    if not path.exists():
        draft = home / f".{SECRET_FILE}.{os.getpid()}"
        draft.touch(mode=0o600)
        with draft.open("wb") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(32)) + b"\n")
            file.flush()
            os.fsync(file.fileno())  # without this secret everything sealed is lost
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return _parse(path.read_text())
