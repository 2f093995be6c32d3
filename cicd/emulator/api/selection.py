"""What a list holds, as SQL: the database filters, and only the page that is shown is built."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from cicd.emulator.api.web import MOST, UNBOUNDED, ApiCall, Reply, label_terms, search_term
from cicd.emulator.state.store import Row, Store


class Selection:
    """The rows of one resource group that pass every condition, oldest first.

    Table and column names are ours, never a client's. A condition that nobody asked for (None, no
    values) is none.
    """

    def __init__(self, call: ApiCall, table: str, columns: str = "*") -> None:
        self._store: Store = call.world.store
        self._table = table
        self._columns = columns
        self._conditions: list[str] = []
        self._values: list[Any] = []
        self.equal(resource_group=call.group)

    def equal(self, **wanted: str | None) -> Selection:
        """Column = value."""
        for column, value in wanted.items():
            if value is not None:
                self._add(f"{column} = ?", value)
        return self

    def among(self, column: str, values: Sequence[str]) -> Selection:
        """The column is one of the values."""
        if values:
            one_of = f"{column} IN (SELECT value FROM json_each(?))"  # noqa: S608 - all ours
            self._add(one_of, json.dumps(values))
        return self

    def search(self, call: ApiCall, *columns: str) -> Selection:
        """One of the columns holds the ``$search`` term."""
        found = search_term(call)
        if found:
            term, is_folded = found
            texts = [f"folded({column})" if is_folded else column for column in columns]
            places = " OR ".join(f"instr({text}, ?) > 0" for text in texts)
            self._add(f"({places})", *[term.casefold() if is_folded else term] * len(columns))
        return self

    def labels(self, call: ApiCall, name: str, *, most: int) -> Selection:
        """The labels pass all terms of the selector ``name``."""
        for key, is_equal, value in label_terms(call, name, most=most):
            word = "IS" if is_equal else "IS NOT"
            # a key has no quotation marks
            self._add(f"json_extract(labels, ?) {word} ?", f'$."{key}"', value)
        return self

    def _add(self, condition: str, *values: Any) -> None:
        self._conditions.append(condition)
        self._values += values

    def count(self) -> int:
        """How many there are."""
        row = self._store.row(f"SELECT COUNT(*) {self._source}", self._values)
        return int(row[0]) if row else 0

    def page(self, skip: int, top: int) -> list[Row]:
        """So many of them after the first ``skip``."""
        sql = f"SELECT {self._columns} {self._source} ORDER BY number LIMIT ? OFFSET ?"
        return self._store.rows(sql, [*self._values, top, skip])

    @property
    def _source(self) -> str:
        return f"FROM {self._table} WHERE {' AND '.join(self._conditions)}"


def paged(
    call: ApiCall, selection: Selection, show: Callable[[Sequence[Row]], Iterable[Any]]
) -> Reply:
    """A page: ``{count, resources}``; count is of the page, or of all with $count."""
    skip = call.number("$skip", 0, maximum=UNBOUNDED)
    shown = list(show(selection.page(skip, call.number("$top", 10_000, maximum=MOST))))
    count = selection.count() if call.flag("$count") else len(shown)
    return Reply({"count": count, "resources": shown})
