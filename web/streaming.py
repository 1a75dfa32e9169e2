"""Stream rows as text, one at a time: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

# A spreadsheet executes a cell with one of these first characters as a formula.
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def iter_csv_lines(names: Sequence[str], rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Yield a CSV file, the header first; lists and objects are written as JSON."""
    yield _line(names)
    for row in rows:
        yield _line([_cell(row[name]) for name in names])


def iter_json_lines(
    rows: Iterable[Mapping[str, object]], *, within: Mapping[str, object] | None = None, name: str
) -> Iterator[str]:
    """Yield one JSON object: the fields ``within``, then the rows under ``name``, one per line."""
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
    """Return a value as a cell that no spreadsheet executes."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_SIGNS) else value
    return "" if value is None else json.dumps(value)


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
