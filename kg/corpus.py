"""A store's papers as columns and its citations as a sparse matrix: what analysis and pages compute on.

Read once, never changed. Position i of every array is paper i of `papers`, which is sorted by id. No Python object is
made per paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kg.model import TOPICS

if TYPE_CHECKING:
    import pyarrow as pa
    from scipy.sparse import csr_matrix

    from kg.store import GraphStore

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Corpus:
    """Columns of n papers.

    Attributes:
        papers, specifications, quantizers: as `GraphStore.table` gives them.
        citations: shape (n, n), bool; row i holds what paper i cites. Citations to a younger paper are among them.
        younger: shape (n, n), bool; those of the citations that point at a paper dated later.
        revision: revision of the store that was read.
    """

    papers: pa.Table
    citations: csr_matrix
    younger: csr_matrix
    specifications: pa.Table
    quantizers: pa.Table
    revision: int

    @classmethod
    def load(cls, store: GraphStore) -> Corpus:
        """Read the whole store; read anew when a write came in between, so that the tables fit together.

        Raises:
            StoreError: the engine failed.
        """
        while True:
            revision = store.revision()
            papers, citations = store.table("papers"), store.table("citations")
            specifications, quantizers = store.table("specifications"), store.table("quantizers")
            if store.revision() == revision:
                break
        ids = papers["id"].combine_chunks()
        citing, cited = _positions(ids, citations["citing"]), _positions(ids, citations["cited"])
        younger = citations["younger"].to_numpy().astype(bool)
        return cls(
            papers=papers,
            citations=_matrix(citing, cited, len(ids)),
            younger=_matrix(citing[younger], cited[younger], len(ids)),
            specifications=specifications,
            quantizers=quantizers,
            revision=revision,
        )

    def __len__(self) -> int:
        return len(self.papers)

    def index_of(self, ids: Sequence[str]) -> IntArray:
        """Positions of work ids, -1 for one that is not among the papers; shape (len(ids),)."""
        import pyarrow as pa

        return _positions(self._ids, pa.chunked_array([pa.array(ids, type=pa.string())]))

    def ids(self, positions: IntArray | BoolArray) -> list[str]:
        """Work ids at positions, or where a mask is true."""
        import pyarrow as pa

        where = np.flatnonzero(positions) if positions.dtype == np.bool_ else positions
        found: list[str] = self._ids.take(pa.array(where)).to_pylist()
        return found

    @cached_property
    def years(self) -> FloatArray:
        """Calendar years, shape (n,); NaN where no date is known."""
        years: FloatArray = self.papers["year"].to_numpy().astype(np.float64)
        return years

    @cached_property
    def topics(self) -> BoolArray:
        """Which of `TOPICS` each paper is about, shape (n, 4)."""
        import pyarrow.compute as pc

        column = self.papers["topics"].combine_chunks()
        about = np.zeros((len(self), len(TOPICS)), dtype=np.bool_)
        parents = pc.list_parent_indices(column).to_numpy()
        values = column.flatten()
        for place, topic in enumerate(TOPICS):
            about[parents[pc.equal(values, topic).to_numpy(zero_copy_only=False)], place] = True
        return about

    @cached_property
    def included(self) -> BoolArray:
        """Papers whose effective verdict is to include, shape (n,)."""
        import pyarrow.compute as pc

        equal = pc.fill_null(pc.equal(self.papers["include"], "include"), False)
        included: BoolArray = equal.to_numpy().astype(np.bool_)
        return included

    @cached_property
    def _ids(self) -> pa.Array:
        return self.papers["id"].combine_chunks()


def _positions(ids: pa.Array, wanted: pa.ChunkedArray) -> IntArray:
    import pyarrow.compute as pc

    found: IntArray = pc.fill_null(pc.index_in(wanted, value_set=ids), -1).to_numpy().astype(np.int64)
    return found


def _matrix(rows: IntArray, columns: IntArray, size: int) -> csr_matrix:
    from scipy.sparse import csr_matrix

    return csr_matrix((np.ones(len(rows), dtype=np.bool_), (rows, columns)), shape=(size, size))
