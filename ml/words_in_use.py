"""What the product says, as hashes: a version can be traced to the words it was judged beside."""

import hashlib
import json

from voice_ai.conversation.answer_prompt import ANSWER_TASK
from voice_ai.conversation.script import builtin_scripts


def words_in_use() -> dict[str, str]:
    """Tags: `scripts` and `prompts` hold SHA-256 by name as JSON, `words_sha256` is over both."""
    scripts = json.dumps({name: _sha256(text) for name, text in sorted(builtin_scripts().items())})
    prompts = json.dumps({"answer": _sha256(ANSWER_TASK)})
    return {"scripts": scripts, "prompts": prompts, "words_sha256": _sha256(scripts + prompts)}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
