"""Names and columns of the tables that every engine gives as Arrow (`GraphStore.table`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

TABLES = ("citations", "ids", "papers", "quantizers", "records", "specifications")


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
        "records": [("paper", text), ("source", text), ("title", text), ("published", text), ("authors", texts)],
    }  # fmt: skip
    return pa.schema(fields[name])
