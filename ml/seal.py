"""The proof that a version passed its gate: an HMAC with the installation's key.

Who may move an alias in MLflow's pages may also write the tag `gate` there. The seal cannot be
written by hand, and it binds the verdict to the manifest, which pins the model's bytes.
"""

import hmac

from voice_ai.vault import Keyring


def seal_of(keyring: Keyring, task: str, manifest_sha256: str) -> str:
    """64 hexadecimal digits for a version that passed."""
    told = f"{task}\n{manifest_sha256}\npassed".encode()
    return hmac.digest(keyring.derive("model-gate"), told, "sha256").hex()


def proves(keyring: Keyring, task: str, manifest_sha256: str | None, seal: str | None) -> bool:
    if manifest_sha256 is None or seal is None:
        return False
    return hmac.compare_digest(seal_of(keyring, task, manifest_sha256), seal)
