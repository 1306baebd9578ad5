"""Names and columns of the tables that every engine gives as Arrow (`GraphStore.table`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = (
    "authors", "changes", "citations", "fetches", "found", "ids", "leads", "papers", "quantizers", "records",
    "specifications", "stated", "vectors",
)  # fmt: skip


def schema_of(name: str) -> pa.Schema:
    """Columns of a table."""
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    fields = {
        "papers": [
            ("id", text), ("title", text), ("year", pa.int32()), ("published", text), ("venue", text),
            ("include", text), ("decided", pa.bool_()), ("token_type", text), ("topics", texts),
            ("cited_by", pa.int32()), ("references", pa.int32()), ("cluster", pa.int32()),
        ],
        "citations": [
            ("citing", text), ("cited", text), ("younger", pa.bool_()), ("sources", texts),
            ("influential", pa.bool_()), ("intents", texts),
        ],
        "specifications": [
            ("paper", text), ("year", pa.int32()), ("quantity", text), ("value", pa.float64()), ("status", text),
            ("role", text), ("subject", text), ("text", text),
        ],
        "quantizers": [("paper", text), ("kind", text)],
        "ids": [("paper", text), ("id", text)],
        "authors": [("paper", text), ("position", pa.int32()), ("name", text)],
        "leads": [("paper", text), ("lead", text), ("kind", text)],
        "stated": [("paper", text), ("source", text), ("references", pa.int64()), ("citations", pa.int64())],
        "fetches": [
            ("paper", text), ("source", text), ("what", text), ("state", text), ("got", pa.int64()),
            ("stated", pa.int64()), ("time", text),
        ],
        "found": [("paper", text), ("how", text), ("source", text), ("detail", text), ("time", text)],
        "changes": [
            ("run", pa.int64()), ("paper", text), ("kind", text), ("field", text), ("old", text), ("new", text),
            ("time", text),
        ],
        "vectors": [("paper", text), ("model", text), ("values", pa.list_(pa.float32()))],
        "records": [("paper", text), ("source", text), ("title", text), ("published", text), ("authors", texts)],
    }  # fmt: skip
    return pa.schema(fields[name])


def vectors(papers: Sequence[str], models: Sequence[str], stored: Sequence[bytes]) -> pa.Table:
    """The table of embeddings from little-endian float32, one buffer for all."""
    import numpy as np
    import pyarrow as pa

    sizes = [len(each) // 4 for each in stored]
    values = pa.array(np.frombuffer(b"".join(stored), dtype="<f4"))
    lists = pa.ListArray.from_arrays(pa.array(np.cumsum([0, *sizes]), type=pa.int32()), values)
    return pa.Table.from_arrays(
        [pa.array(papers, type=pa.string()), pa.array(models, type=pa.string()), lists], schema=schema_of("vectors")
    )
