"""`make bench` rows of the import: a messy file against COPY, and against pandas.

Every row of the table is rows a second; the ratio is ours to the other's, in the same run.
"""

import io
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypedDict

import polars as pl
import psycopg

from pipelines.imports import import_leads, preview
from voice_ai.leads.judge import Judge
from voice_ai.leads.nanp import area_code_states, plan
from voice_ai.leads.places import zip_states
from voice_ai.vault import Keyring

if TYPE_CHECKING:
    import sqlalchemy as sa

ROW_NAMES = ("import.vs_copy", "import.vs_pandas_to_sql", "import.vs_pandas_pipeline")
ROWS_VARIABLE = "VOICE_AI_BENCH_ROWS"
_ROWS = 200_000
_RUNS = 3
_PANDAS_ROWS = 20_000
_COLUMNS = (
    "company", "first", "last", "phone", "address", "city", "state", "zip", "email", "notes"
)  # fmt: skip
_STYLES = (
    "({0}) {1}-{2}",
    "{0}-{1}-{2}",
    "{0}.{1}.{2}",
    "{0}{1}{2}",
    "+1 {0} {1} {2}",
    "1{0}{1}{2}",
)
_JUNK = ("", "n/a", "555-0199", "(800) 555-0100", "123", "(256) 593-83", "0000000000")


class BenchRow(TypedDict):
    row: str
    ours: float
    other: float
    unit: str
    ratio: float
    target: float
    holds: bool


def rows(count: int | None = None) -> list[BenchRow]:
    """`count` rows in the file; 200,000 unless VOICE_AI_BENCH_ROWS says otherwise."""
    count = count or int(os.environ.get(ROWS_VARIABLE) or _ROWS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leads.csv"
        write_messy_file(path, count, seed=1)
        accepted = _accepted(path)
        with _server(Path(folder) / "home") as (admin_url, keyring):
            ours, copied = [], []
            for _ in range(_RUNS):
                with _database(admin_url) as url:
                    copied.append(_copy(url, accepted))
                    ours.append(_ours(url, keyring, path))
            with _database(admin_url) as url:
                pandas = _pandas(url, accepted.head(_PANDAS_ROWS))
                pipeline = _pandas_pipeline(url, path)
    return [
        _row("import.vs_copy", median(ours), median(copied), target=0.10),
        _row("import.vs_pandas_to_sql", median(ours), pandas, target=8.0),
        _row("import.vs_pandas_pipeline", median(ours), pipeline, target=8.0),
    ]


def write_messy_file(path: Path, count: int, *, seed: int) -> None:
    """A lead list as people send it: six phone formats, 2 % repeated, 1 % junk, quoted commas."""
    dice = random.Random(seed)
    areas = [code for code, states in area_code_states().items() if plan().geographic[code]]
    zips: dict[str, list[int]] = {}
    for prefix, states in zip_states().items():
        zips.setdefault(states[0], []).append(prefix)
    phones: list[str] = []
    with path.open("w", newline="") as file:
        file.write("Spring campaign,,,,,,,,,\r\n\r\n")
        file.write(",".join(_COLUMNS) + "\r\n")
        for at in range(count):
            area = dice.choice(areas)
            state = area_code_states()[area][0]
            phone = dice.choice(_STYLES).format(
                area, dice.randint(200, 999), f"{dice.randint(0, 9999):04}"
            )
            luck = dice.random()
            if luck < 0.02 and phones:
                phone = dice.choice(phones)
            elif luck < 0.03:
                phone = dice.choice(_JUNK)
            elif len(phones) < 10_000:
                phones.append(phone)
            postcode = f"{dice.choice(zips.get(state, [100])):03}{dice.randint(1, 99):02}"
            postcode = postcode.lstrip("0") if luck > 0.9 else postcode
            company = f'"Miller, Sons & Co {at}"' if at % 10 == 0 else f"Company {at}"
            file.write(
                f"{company},Ann,Example,{phone},{at} Main Street,Springfield,{state},{postcode},"
                f"ann{at}@example.com,\r\n"
            )


def _accepted(path: Path) -> pl.DataFrame:
    """The rows that an import keeps, as plain text columns: what COPY and pandas are given."""
    file, guesses = preview(path)
    columns = {guess.field: f"c{file.headers.index(guess.column)}" for guess in guesses}
    judge, kept = Judge(), []
    for batch in file.batches():
        wanted = {name: columns[name] for name in ("phone", "state", "zip")}
        judged = judge.judge(batch.select("line", "overfull", **wanted))
        good = batch[judged.accepted["row"]].drop("line", "overfull")
        kept.append(good.with_columns(judged.accepted["e164"].alias(columns["phone"])))
    frame = pl.concat(kept)
    return frame.rename(dict(zip(frame.columns, _COLUMNS, strict=True)))


def _ours(url: str, keyring: Keyring, path: Path) -> float:
    return import_leads(
        url, keyring, path, list_name="bench", rehearsal=True, now=datetime.now(UTC)
    ).rows_per_second


def _copy(url: str, accepted: pl.DataFrame) -> float:
    """Client COPY into a logged table without an index: the limit."""
    columns = ", ".join(f"{name} {'bigint' if name == 'phone' else 'text'}" for name in _COLUMNS)
    data = accepted.write_csv(include_header=False).encode()

    def copy() -> None:
        with psycopg.connect(url) as db:
            db.execute(f"CREATE TABLE bench_copy ({columns})")
            with db.cursor().copy("COPY bench_copy FROM STDIN (FORMAT csv)") as copy:
                copy.write(data)

    return len(accepted) / _seconds(copy)


def _pandas(url: str, accepted: pl.DataFrame) -> float:
    """Rows read, judged and deduplicated already, into a table without a key."""
    import pandas as pd

    frame = pd.read_csv(io.BytesIO(accepted.write_csv().encode()))
    with _engine(url) as engine:
        seconds = _seconds(lambda: frame.to_sql("bench_pandas", engine, index=False))
    return len(accepted) / seconds


def _pandas_pipeline(url: str, path: Path) -> float:
    """The file's rows, numbers and time zones asked of phonenumbers, into a table with a key.

    Still less than an import does: nothing is encrypted, no reject has a reason or a line.
    """
    import pandas as pd
    import sqlalchemy as sa

    def load() -> None:
        # Known beforehand here, found out by an import: the title rows and what the columns are.
        frame = pd.read_csv(path, skiprows=1, nrows=_PANDAS_ROWS, dtype=str)
        told = [_told(phone) for phone in frame["phone"].fillna("")]
        frame["phone"], frame["zones"] = zip(*told, strict=True)
        frame = frame.dropna(subset=["phone"]).drop_duplicates("phone")
        frame.to_sql("bench_pipeline", engine, index=False, if_exists="append")

    columns = ", ".join(f"{name} text" for name in (*_COLUMNS, "zones"))
    with _engine(url) as engine:
        with engine.begin() as db:
            db.execute(sa.text(f"CREATE TABLE bench_pipeline ({columns}, PRIMARY KEY (phone))"))
        return _PANDAS_ROWS / _seconds(load)


def _told(phone: str) -> tuple[str | None, str | None]:
    """E.164 and the time zones; None for what is no number."""
    import phonenumbers
    from phonenumbers import timezone

    try:
        number = phonenumbers.parse(phone, "US")
    except phonenumbers.NumberParseException:
        return None, None
    if not phonenumbers.is_valid_number(number):
        return None, None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164, ",".join(timezone.time_zones_for_number(number))


@contextmanager
def _engine(url: str) -> Iterator["sa.Engine"]:
    import sqlalchemy as sa

    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    try:
        yield engine
    finally:
        engine.dispose()


def _row(name: str, ours: float, other: float, *, target: float) -> BenchRow:
    ratio = ours / other
    return BenchRow(
        row=name,
        ours=round(ours),
        other=round(other),
        unit="rows/s",
        ratio=round(ratio, 3),
        target=target,
        holds=ratio >= target,
    )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def _server(home: Path) -> Iterator[tuple[str, Keyring]]:
    from voice_ai.embedded import attach_postgres

    keyring = Keyring.open(home, None)
    with attach_postgres(home, keyring) as lease:
        yield lease.url, keyring


@contextmanager
def _database(admin_url: str) -> Iterator[str]:
    """A fresh database with the product's schema."""
    import sqlalchemy as sa

    from voice_ai.db import upgrade

    name = f"bench_{time.time_ns()}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        url = sa.make_url(admin_url).set(database=name).render_as_string(hide_password=False)
        try:
            upgrade(url, Keyring(b"b" * 32))
            yield url
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
