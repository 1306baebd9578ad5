"""What is known about the papers of a field, and where it is kept. Imports nothing of ours.

from kg import PaperFilter, open_store

with open_store("sqlite:///atlas.sqlite") as store:
    page = store.papers(PaperFilter(topics=("S1",), year_min=2023), sort="cited")
"""

from kg.answers import (
    CitationPath,
    Facets,
    Linked,
    Neighbourhood,
    PaperDetails,
    PaperPage,
    PaperRow,
    StoreCounts,
    Upserted,
)
from kg.errors import (
    AtlasError,
    CommitUnknown,
    InputError,
    Interrupted,
    NotFound,
    SchemaMismatch,
    StoreError,
    StoreUnavailable,
)
from kg.model import (
    Author,
    Batch,
    Change,
    Citation,
    Cluster,
    Cursor,
    Decision,
    Fetch,
    Found,
    Judgement,
    Manifestation,
    Measured,
    Paper,
    PartialDate,
    Quantizer,
    Run,
    Span,
    Specification,
    Tag,
    Vector,
    Verdict,
)
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, default_store_url, open_store

__all__ = [
    "AtlasError",
    "Author",
    "Batch",
    "Change",
    "Citation",
    "CitationPath",
    "Cluster",
    "CommitUnknown",
    "Cursor",
    "Decision",
    "Facets",
    "Fetch",
    "Found",
    "GraphStore",
    "InputError",
    "Interrupted",
    "Judgement",
    "Linked",
    "Manifestation",
    "Measured",
    "Neighbourhood",
    "NotFound",
    "Paper",
    "PaperDetails",
    "PaperFilter",
    "PaperPage",
    "PaperRow",
    "PartialDate",
    "Quantizer",
    "Run",
    "SchemaMismatch",
    "Span",
    "Specification",
    "StoreCounts",
    "StoreError",
    "StoreUnavailable",
    "Tag",
    "Upserted",
    "Vector",
    "Verdict",
    "default_store_url",
    "open_store",
]
