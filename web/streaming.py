"""Rows as text, one after the other: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

# A spreadsheet takes a cell that begins like this for a formula, and runs it.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def iter_csv_lines(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Yield a CSV file, the head first; lists and objects are written as JSON."""
    yield _line(names)
    for row in rows:
        yield _line([_cell(row[name]) for name in names])


def iter_json_lines(
    rows: Iterable[Mapping[str, object]], *, within: Mapping[str, object] | None = None, name: str
) -> Iterator[str]:
    """Yield one JSON object that holds the rows under a name, a row a line, after other fields."""
    head = "".join(
        f"{json.dumps(key)}: {json.dumps(value)}, " for key, value in (within or {}).items()
    )
    yield f"{{{head}{json.dumps(name)}: ["
    comma = "\n"
    for row in rows:
        yield comma + json.dumps(row, ensure_ascii=False)
        comma = ",\n"
    yield "\n]}\n"


def _cell(value: object) -> str:
    """Return a value as the text of a cell that no spreadsheet runs."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_SIGNS) else value
    return "" if value is None else json.dumps(value)


def _line(cells: Sequence[str]) -> str:
    """Return one line."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
