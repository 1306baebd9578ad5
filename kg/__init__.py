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
    BadAnswer,
    CommitUnknown,
    InputError,
    Interrupted,
    NotFound,
    RateLimited,
    RequestRefused,
    SchemaMismatch,
    SourceError,
    SourceUnavailable,
    StoreError,
    StoreUnavailable,
)
from kg.model import (
    Author,
    Batch,
    Citation,
    Cluster,
    Cursor,
    Decision,
    Judgement,
    Manifestation,
    Measured,
    Paper,
    PartialDate,
    Quantizer,
    Span,
    Specification,
    Tag,
    Verdict,
)
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, default_store_url, open_store

__all__ = [
    "AtlasError",
    "Author",
    "BadAnswer",
    "Batch",
    "Citation",
    "CitationPath",
    "Cluster",
    "CommitUnknown",
    "Cursor",
    "Decision",
    "Facets",
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
    "RateLimited",
    "RequestRefused",
    "SchemaMismatch",
    "SourceError",
    "SourceUnavailable",
    "Span",
    "Specification",
    "StoreCounts",
    "StoreError",
    "StoreUnavailable",
    "Tag",
    "Upserted",
    "Verdict",
    "default_store_url",
    "open_store",
]
