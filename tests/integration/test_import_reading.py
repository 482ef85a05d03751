"""Any sane lead file is read as it stands, with the line on which every row begins."""

import codecs
import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.imports import read_leads
from pipelines.imports import text as text_module
from voice_ai.errors import BadInput

Rows = list[dict[str, str | None]]
PHONE = "256-593-8310"
LIST = f"Name,Phone\nAnn,{PHONE}\nBob,256-593-8311\n"


def read(path: Path) -> tuple[Rows, list[int]]:
    file = read_leads(path)
    rows: Rows = []
    lines: list[int] = []
    for batch in file.batches():
        lines += batch["line"].to_list()
        data = batch.drop("line", "overfull")
        rows += [dict(zip(file.headers, row, strict=True)) for row in data.iter_rows()]
    return rows, lines


def written(folder: Path, content: bytes | str, name: str = "leads.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def names(path: Path) -> list[str | None]:
    return [row["Name"] for row in read(path)[0]]


def test_csv_spectrum_reads_as_its_authors_expect(shared_data: Path) -> None:
    files = sorted((shared_data / "csv-spectrum" / "csvs").glob("*.csv"))
    assert len(files) == 11
    for path in files:
        expected = json.loads((shared_data / f"csv-spectrum/json/{path.stem}.json").read_text())
        # The stored copies of the CRLF files have lost their carriage returns.
        plain = json.loads(json.dumps(expected).replace("\\r\\n", "\\n"))
        rows, _ = read(path)
        assert [{key: value or "" for key, value in row.items()} for row in rows] == plain, path


@pytest.mark.parametrize(
    ("encoding", "mark", "said"),
    [
        ("utf-8", b"", "UTF-8"),
        ("utf-8", codecs.BOM_UTF8, "UTF-8"),
        ("utf-16-le", codecs.BOM_UTF16_LE, "UTF-16"),
        ("utf-16-be", codecs.BOM_UTF16_BE, "UTF-16"),
        ("utf-16-le", b"", "UTF-16"),
        ("cp1252", b"", "Windows-1252"),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, mark: bytes, said: str) -> None:
    text = f"Name,Phone\nJosé Müller,{PHONE}\n“Zoë”,256-593-8311\n"
    path = written(tmp_path, mark + text.encode(encoding))
    assert said in read_leads(path).description
    assert names(path) == ["José Müller", "“Zoë”"]


def test_stray_bytes_late_in_the_file_are_counted(tmp_path: Path) -> None:
    many = "".join(f"Ann {at},{PHONE}\n" for at in range(40_000))
    path = written(tmp_path, f"Name,Phone\n{many}".encode() + f"José,{PHONE}\n".encode("cp1252"))
    file = read_leads(path)
    last = list(file.batches())[-1]
    assert last["c0"][-1] == "José"
    assert file.strays == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    rows, _ = read(written(tmp_path, LIST.replace(",", delimiter)))
    assert rows[1] == {"Name": "Bob", "Phone": "256-593-8311"}


def test_delimiter_told_by_excel(tmp_path: Path) -> None:
    assert names(written(tmp_path, "sep=;\n" + LIST.replace(",", ";"))) == ["Ann", "Bob"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_and_lines(tmp_path: Path, end: str) -> None:
    text = f'Name,Phone\n"Ann\nLee",{PHONE}\n\nBob,256-593-8311'.replace("\n", end)
    rows, lines = read(written(tmp_path, text))
    assert lines == [2, 5]
    assert [row["Phone"] for row in rows] == [PHONE, "256-593-8311"]


def test_title_and_blank_rows_stand_above_the_header(tmp_path: Path) -> None:
    text = (
        f"Spring campaign,2026,,\nAsk us: 256-593-8310,,,\n,,,\nName,Phone,City,\nAnn,{PHONE},,\n"
    )
    rows, lines = read(written(tmp_path, text))
    assert rows == [{"Name": "Ann", "Phone": PHONE, "City": None, "column 4": None}]
    assert lines == [5]


def test_file_without_header_has_numbered_columns(tmp_path: Path) -> None:
    rows, lines = read(written(tmp_path, f"Ann,{PHONE}\nBob,256-593-8311\n"))
    assert rows[0] == {"column 1": "Ann", "column 2": PHONE}
    assert lines == [1, 2]


def test_repeated_and_empty_headers_get_names_of_their_own(tmp_path: Path) -> None:
    path = written(tmp_path, f"Phone,,Phone\n{PHONE},x,{PHONE}\n")
    assert read_leads(path).headers == ("Phone", "column 2", "Phone 2")


def test_stray_quotes_are_text(tmp_path: Path) -> None:
    text = f'Name,Phone\n5" pipe shop,{PHONE}\nBob "Jack" Lee,{PHONE}\n"Ann, ""A""",{PHONE}\n'
    rows, lines = read(written(tmp_path, text))
    assert [row["Name"] for row in rows] == ['5" pipe shop', 'Bob "Jack" Lee', 'Ann, "A"']
    assert lines == [2, 3, 4]


def test_quote_that_never_closes_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="leads.csv:3: a quote opened in this row is never closed"):
        read(written(tmp_path, f'Name,Phone\nAnn,{PHONE}\n"Bob,{PHONE}\nCyd,{PHONE}\n'))


@pytest.mark.parametrize("stray", ["", '5" pipe,1\n'])
def test_last_quote_that_never_closes_is_named_too(tmp_path: Path, stray: str) -> None:
    text = f'Name,Phone\n{stray}Ann,{PHONE}\n"Bob,{PHONE}\nCyd,{PHONE}'
    with pytest.raises(BadInput, match=f"leads.csv:{4 if stray else 3}: a quote opened"):
        read(written(tmp_path, text))


def test_rows_of_another_width(tmp_path: Path) -> None:
    path = written(tmp_path, f"Name,Phone,City\nAnn,{PHONE}\nB,Bob,{PHONE},X\nCyd,{PHONE},Y,,\n")
    frame = pl.concat(read_leads(path).batches())
    assert frame["overfull"].to_list() == [False, True, False]
    assert frame["c2"].to_list() == [None, PHONE, "Y"]


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.text('ab,;"\n\t é', max_size=6), st.text('12-"', max_size=6)),
        min_size=1,
        max_size=15,
    ),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], end: str
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=end)
    starts = []
    for row in [("Name", "Phone"), ("Zed", PHONE), *rows]:
        starts.append(buffer.getvalue().count("\n") + 1)
        writer.writerow(row)
    path = written(tmp_path_factory.mktemp("csv"), buffer.getvalue())
    read_back, lines = read(path)
    kept = [
        (line, row)
        for line, row in zip(starts[1:], [("Zed", PHONE), *rows], strict=True)
        if any(cell.strip() for cell in row)
    ]
    assert lines == [line for line, _ in kept]
    assert [tuple(row.values()) for row in read_back] == [
        tuple(cell if cell.strip() else None for cell in row) for _, row in kept
    ]


def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [f'"Ann, {at}\nnée ""É"""' if at % 3 else f"Bob {at}" for at in range(200)]
    text = "Name,Phone\n" + "".join(f"{person},{PHONE}\n" for person in people)
    path = written(tmp_path, text)
    whole = read(path)
    for size in (7, 64, 1000):
        monkeypatch.setattr(text_module, "FIRST_BLOCK_BYTES", size)
        monkeypatch.setattr(text_module, "BLOCK_BYTES", size)
        assert read(path) == whole
    assert len(whole[0]) == 200


def test_workbook_keeps_row_numbers_and_plain_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        [],
        ["Spring campaign"],
        [],
        ["Name", "Phone", "ZIP", "Since"],
        ["Ann", 2565938310, 2138, datetime(2024, 1, 2)],
        [],
        ["Bob", "(256) 593-8311", "02138", None],
    ):
        sheet.append(row)
    book.create_sheet("Notes")
    path = tmp_path / "leads.bin"  # the name says nothing
    book.save(path)
    rows, lines = read(path)
    assert lines == [5, 7]
    assert [row["Phone"] for row in rows] == ["2565938310", "(256) 593-8311"]
    assert rows[0]["ZIP"] == "2138"


def test_parquet_rows_count_from_one(tmp_path: Path) -> None:
    path = tmp_path / "leads.parquet"
    pl.DataFrame(
        {"Name": ["Ann", None], "Phone": [2565938310, None], "at": [datetime.now(UTC)] * 2}
    ).write_parquet(path)
    rows, lines = read(path)
    assert lines == [1, 2]
    assert rows[0]["Phone"] == "2565938310"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b" \n \n", "the file is empty"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\x1f\x8b\x08\x00", "unpack it first"),
        (b"PK\x03\x04rest", "damaged"),
        (b"\x89PNG\r\n", "an image"),
        (b"name\x00phone\x01\x02", "not text"),
        (b"<html><body>", "a web page"),
        (b'{"phone": 1}', "JSON"),
        (b"PAR1 but not really", "Parquet file is damaged"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "protected by a password",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 other", "the workbook cannot be read"),
        (b"Name,Phone\n", "no rows below the header"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says) as refusal:
        read_leads(written(tmp_path, content)).sample()
    assert "\n" not in refusal.value.message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        read_leads(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="this is a folder"):
        read_leads(tmp_path)
