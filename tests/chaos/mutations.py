"""The guards taken out one by one, to show that the suite would notice."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.arena import Arena


@dataclass(frozen=True)
class Mutation:
    """`patch` is called in the process that runs the product, before it begins."""

    patch: Callable[[], None]


MUTATIONS: dict[str, Mutation] = {}


def check(arena: Arena, name: str, seed: int) -> bool:
    """Whether the suite notices that the guard is missing."""
    raise NotImplementedError(name)
