"""One stage for all chaos tests of a run: PostgreSQL and Valkey as the product starts them."""

from collections.abc import Iterator

import pytest

from tests.chaos.arena import Arena, open_arena


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with open_arena(tmp_path_factory.mktemp("chaos") / "home") as opened:
        yield opened
