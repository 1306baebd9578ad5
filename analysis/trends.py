"""Counts, shares and numbers per year, as tidy tables: one row per thing that can be pointed at.

Columns in, columns out; no Python loop over papers. Unknown is not zero: a paper without a year is in no row and is
counted in the table's metadata (`without_year`); a year without papers has a count of 0 and a share or median of null.
Years run without gaps from the first to the last that any paper has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from kg.errors import InputError
from kg.model import TOPICS

TYPES = ("semantic", "acoustic", "hybrid")
APART = ("none", "unknown")
"""Papers that were read and name no type, and papers whose text nobody read: shown, never part of a share."""

Years: TypeAlias = npt.ArrayLike | pa.Array | pa.ChunkedArray


def papers_per_year_topic(years: Years, topics: npt.NDArray[np.bool_]) -> pa.Table:
    """Papers per year and topic; a paper with two topics counts in both.

    Args:
        years: shape (n,), calendar years; NaN, null or a number below 0 where unknown.
        topics: shape (n, 4), whether paper n has topic S1..S4.

    Returns:
        year (int32), topic (string), papers (int64), sorted by year and topic; a count of 0 is a real 0. Metadata:
        `without_year`.

    Raises:
        InputError: shapes do not fit.
    """
    when, known = _years(years)
    flags = np.asarray(topics, dtype=bool)
    if flags.shape != (len(when), len(TOPICS)):
        raise InputError(
            f"topics of shape {flags.shape} do not fit {len(when)} papers", field="topics", expected="shape (n, 4)"
        )
    first, span = _span(when[known])
    counts = np.zeros((span, len(TOPICS)), dtype=np.int64)
    np.add.at(counts, when[known] - first, flags[known])
    return _per_year(first, TOPICS, "topic", {"papers": pa.array(counts.ravel())}, known)


def token_type_share(years: Years, token_types: Sequence[str | None] | pa.Array | pa.ChunkedArray) -> pa.Table:
    """Share of semantic, acoustic and hybrid tokens per year, among the papers of that year that have one of the three.

    Args:
        years: shape (n,), calendar years; NaN, null or a number below 0 where unknown.
        token_types: shape (n,), "semantic", "acoustic", "hybrid", "none" (read, none named) or null (not read).

    Returns:
        year (int32), token_type (string), papers (int64), share (float64), five rows a year: the three types, then
        "none" and "unknown" with a null share. The share is null in a year without any of the three. Metadata:
        `without_year`.

    Raises:
        InputError: lengths differ, or a type is not known.
    """
    when, known = _years(years)
    kinds = _one_array(token_types, pa.string())
    if len(kinds) != len(when):
        raise InputError("years and token types differ in length", field="token_types", expected=f"{len(when)} values")
    names = (*TYPES, *APART)
    at = pc.index_in(pc.fill_null(kinds, "unknown"), value_set=pa.array(names))
    if at.null_count:
        odd = kinds.filter(pc.is_null(at))[0].as_py()
        raise InputError(
            "unknown token type", field="token_types", value=odd, expected=", ".join((*TYPES, "none", "null"))
        )
    column = at.to_numpy(zero_copy_only=False)
    first, span = _span(when[known])
    counts = np.zeros((span, len(names)), dtype=np.int64)
    np.add.at(counts, (when[known] - first, column[known]), 1)
    total = counts[:, : len(TYPES)].sum(axis=1, keepdims=True)
    share = np.full(counts.shape, np.nan)
    np.divide(counts[:, : len(TYPES)], total, out=share[:, : len(TYPES)], where=total > 0)
    columns = {"papers": pa.array(counts.ravel()), "share": pa.array(share.ravel(), from_pandas=True)}
    return _per_year(first, names, "token_type", columns, known)


def numbers_per_year(numbers: pa.Table) -> tuple[pa.Table, pa.Table]:
    """A dot for every own value and the median of each year.

    Args:
        numbers: paper (string), year (int, null where unknown), quantity (string), value (float); where the columns
            `role` and `status` exist, only "own" values that are "stated" are taken.

    Returns:
        Points: paper, year (int32), quantity, value, sorted by quantity, year, value, paper; a value that a paper
        states twice is one point. Metadata: `without_year`, the points left out.
        Medians: quantity, year (int32), points (int64), papers (int64), median, lower and upper quartile (float64),
        without gaps from a quantity's first to its last year; a year without points has 0 and nulls.

    Raises:
        InputError: a column is missing.
    """
    missing = [name for name in ("paper", "year", "quantity", "value") if name not in numbers.column_names]
    if missing:
        raise InputError(f"no column {', '.join(missing)}", field=missing[0], expected="paper, year, quantity, value")
    for name, wanted in (("role", "own"), ("status", "stated")):
        if name in numbers.column_names:
            numbers = numbers.filter(pc.equal(numbers[name], wanted))
    numbers = numbers.select(["paper", "year", "quantity", "value"])
    distinct = numbers.group_by(["paper", "year", "quantity", "value"]).aggregate([])
    when, known = _years(distinct["year"])
    points = distinct.filter(pa.array(known)).set_column(1, "year", pa.array(when[known].astype(np.int32)))
    points = points.sort_by([(name, "ascending") for name in ("quantity", "year", "value", "paper")])
    points = points.replace_schema_metadata({"without_year": str(int((~known).sum()))})
    return points, _medians(points)


def _medians(points: pa.Table) -> pa.Table:
    schema = pa.schema(
        [
            ("quantity", pa.string()),
            ("year", pa.int32()),
            ("points", pa.int64()),
            ("papers", pa.int64()),
            ("median", pa.float64()),
            ("lower", pa.float64()),
            ("upper", pa.float64()),
        ]
    )
    if not points.num_rows:
        return schema.empty_table()
    quantity = points["quantity"].combine_chunks().dictionary_encode()
    codes = quantity.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    years = points["year"].to_numpy().astype(np.int64)
    values = points["value"].to_numpy().astype(np.float64)
    paper = points["paper"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    # points are sorted by quantity and year: every group is one run
    starts = np.flatnonzero(np.r_[True, (codes[1:] != codes[:-1]) | (years[1:] != years[:-1])])
    sizes = np.diff(np.r_[starts, len(codes)])
    owner = np.repeat(np.arange(len(starts)), sizes)
    papers = np.bincount(np.unique(np.stack([owner, paper]), axis=1)[0], minlength=len(starts))
    filled = {
        "points": sizes,
        "papers": papers,
        **{
            name: _quantile(values, starts, sizes, level)
            for name, level in (("median", 0.5), ("lower", 0.25), ("upper", 0.75))
        },
    }
    group_code, group_year = codes[starts], years[starts]
    first = np.full(len(quantity.dictionary), np.iinfo(np.int64).max)
    last = np.zeros(len(quantity.dictionary), dtype=np.int64)
    np.minimum.at(first, group_code, group_year)
    np.maximum.at(last, group_code, group_year)
    lengths = last - first + 1
    offsets = np.r_[0, np.cumsum(lengths)[:-1]]
    place = offsets[group_code] + group_year - first[group_code]
    total = int(lengths.sum())
    row_code = np.repeat(np.arange(len(lengths)), lengths)
    columns: dict[str, pa.Array] = {
        "quantity": quantity.dictionary.take(pa.array(row_code)),
        "year": pa.array((np.arange(total) - offsets[row_code] + first[row_code]).astype(np.int32)),
    }
    for name, found in filled.items():
        whole = np.zeros(total, dtype=np.int64) if name in ("points", "papers") else np.full(total, np.nan)
        whole[place] = found
        columns[name] = pa.array(whole, from_pandas=True)
    return pa.table(columns, schema=schema)


def _quantile(
    values: npt.NDArray[np.float64], starts: npt.NDArray[np.intp], sizes: npt.NDArray[np.intp], level: float
) -> npt.NDArray[np.float64]:
    """Quantile of each run of sorted values, linear between neighbours (Hyndman and Fan 1996, type 7)."""
    at = starts + level * (sizes - 1)
    low, high = np.floor(at).astype(np.int64), np.ceil(at).astype(np.int64)
    return values[low] + (at - low) * (values[high] - values[low])


def _years(years: Years) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Years as integers and where they are known."""
    if isinstance(years, pa.Array | pa.ChunkedArray):
        years = _one_array(years, pa.float64()).to_numpy(zero_copy_only=False)
    numbers = np.asarray(years, dtype=np.float64)
    if numbers.ndim != 1:
        raise InputError("years are not one column", field="years", expected="shape (n,)")
    known = np.isfinite(numbers) & (numbers >= 0)
    return np.where(known, numbers, -1).astype(np.int64), known


def _span(years: npt.NDArray[np.int64]) -> tuple[int, int]:
    return (int(years.min()), int(years.max() - years.min()) + 1) if len(years) else (0, 0)


def _per_year(
    first: int, names: Sequence[str], name: str, columns: dict[str, pa.Array], known: npt.NDArray[np.bool_]
) -> pa.Table:
    length = len(next(iter(columns.values()))) // len(names)
    table = pa.table(
        {
            "year": pa.array(np.repeat(np.arange(first, first + length), len(names)).astype(np.int32)),
            name: pa.array(list(names) * length, pa.string()),
            **columns,
        }
    )
    return table.replace_schema_metadata({"without_year": str(int((~known).sum()))})


def _one_array(values: Any, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        return values.combine_chunks().cast(kind)
    return values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)
