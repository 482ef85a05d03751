"""Conversations: the script language and the pure machine that speaks it. No I/O, no vendor."""

from voice_ai.conversation.script import builtin_scripts, load_script, prompts
from voice_ai.conversation.step import begin, step
from voice_ai.conversation.turns import State

__all__ = ["State", "begin", "builtin_scripts", "load_script", "prompts", "step"]
