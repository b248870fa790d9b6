"""A table of inputs with a column of answers, as golden cases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from gate.config import Config
from gate.domain import JsonValue, Task
from gate.errors import UsageError
from gate.golden.rows import Wanted, expected, plain

ANSWER = "answer"


def cases_of(path: Path, config: Config, model: str, wanted: Wanted) -> list[dict[str, JsonValue]]:
    """Make a golden case of every row: the answer is in the column `answer`, else in the target's.

    Raises:
        UsageError: there is no such file, no column of answers, or no row.
        DataError: it cannot be read.
    """
    from gate import registry

    settings = config.model(model).data
    amounts = config.model(model).task in {Task.REGRESSION, Task.FORECAST}
    table = registry.read_data(path).table
    names = [name for name in (ANSWER, settings.target) if isinstance(name, str) and name in table.column_names]
    if not names:
        raise UsageError(
            f"{path} has no column of answers.",
            remedy=f"Name it {ANSWER!r}; it has: {', '.join(table.column_names[:20])}.",
        )
    known = next((name for name in (settings.id, "id") if name in table.column_names), None)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    cases = []
    for place, row in enumerate(table.to_pylist()):
        answer = plain(row.pop(names[0]))
        name = str(row.pop(known)) if known else f"{path.stem}-{place}"
        if answer is None or (wanted.rows is not None and name not in wanted.rows):
            continue
        told = {"why": wanted.why or f"row {place} of {path.name}", "added_at": now, "from": path.name}
        said = expected(answer, {"label": answer}, wanted.tolerance, numbers=isinstance(answer, float) or amounts)
        cases.append({"id": name, "inputs": {key: plain(value) for key, value in row.items()}} | said | told)
    if not cases:
        raise UsageError(f"{path} has no row with an answer that was asked for.", remedy="Look at --rows.")
    return cases
