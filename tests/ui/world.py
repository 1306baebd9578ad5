"""A small invented atlas for the pages: every verdict, unknowns, a reading list, clusters, and titles that bite."""

from __future__ import annotations

from kg.identity import text_sha256
from kg.model import (
    Author,
    Batch,
    Citation,
    Cluster,
    Cursor,
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
from kg.store import GraphStore

AUDIOLM = "arxiv:2209.03143"
CODEC = "arxiv:2301.00001"
SEMANTIC = "arxiv:2302.00002"
HYBRID = "arxiv:2403.00003"
TITLE_ONLY = "doi:10.1000/ripple.4"
UNDATED = "openalex:W5"
UNCLEAR = "arxiv:2404.00006"
EXCLUDED = "arxiv:2105.00007"
UNJUDGED = "arxiv:2006.00008"
LONELY = "arxiv:2505.00009"
STUB = "arxiv:1909.00010"

NASTY = {
    "arxiv:2501.00011": "<script>window.hacked=1</script> [click](javascript:alert(1)) <img src=x onerror=alert(1)>",
    "arxiv:2501.00012": "Tokens for $x$ at $10 or $20: *bold* _it_ `code` # not a heading ~~gone~~ :red[red] :smile:",
    "arxiv:2501.00013": '=HYPERLINK("http://example.invalid";"x") | a table | & &amp; &lt;b&gt;',
    "arxiv:2501.00014": "\u202eright to left\u202c and 離散音訊標記 with {braces} %s %(x)s {n:,} :material/home: "
    + "long " * 400,
}

_ABSTRACTS = {
    AUDIOLM: "We cast audio generation as language modelling over discrete tokens. Semantic tokens give structure.",
    CODEC: "Ripple is a codec with residual vector quantization. It runs at 1.5 kbps with 75 Hz frames and 2 codebooks "
    "of 1024 entries, while EnCodec needs 6 kbps.",
    SEMANTIC: "Brook learns semantic tokens by clustering at 25 Hz; speech models read them like text.",
    HYBRID: "Delta joins semantic and acoustic tokens in one stream at 0.7 kbps and 12.5 Hz.",
    UNCLEAR: "We discretise sounds in a way that the reader must guess.",
    EXCLUDED: "A classifier on mel spectrograms with no tokens at all.",
    LONELY: "Tarn tokenises music at 3 kbps.",
}
_TITLES = {
    AUDIOLM: "AudioLM: a Language Modeling Approach to Audio Generation",
    CODEC: "Ripple: a neural codec for speech tokens",
    SEMANTIC: "Brook: semantic tokens without labels",
    HYBRID: "Delta: one stream of hybrid audio tokens",
    TITLE_ONLY: "A survey of discrete audio tokens",
    UNDATED: "Undated notes on audio tokens",
    UNCLEAR: "Maybe tokens, maybe not",
    EXCLUDED: "Mel features for birds",
    UNJUDGED: "Not read by anybody yet",
    LONELY: "Tarn: music tokens that nobody cites",
}
_INCLUDED = (AUDIOLM, CODEC, SEMANTIC, HYBRID, TITLE_ONLY, UNDATED, LONELY, *NASTY)
_TYPES = {AUDIOLM: "hybrid", CODEC: "acoustic", SEMANTIC: "semantic", HYBRID: "hybrid", LONELY: "acoustic"}
_TOPICS = {AUDIOLM: ("S2", "S3"), CODEC: ("S1", "S4"), SEMANTIC: ("S2",), HYBRID: ("S1", "S2"), TITLE_ONLY: ("S4",)}


def span(field: str, text: str, words: str) -> Span:
    """The first place of `words` in a text."""
    start = text.index(words)
    return Span(field, start, start + len(words), words)  # type: ignore[arg-type]


def _judgement(id: str, title: str, abstract: str | None) -> Judgement:
    included, unclear = id in _INCLUDED, id == UNCLEAR
    evidence = (span("title", title, "tokens"),) if "tokens" in title else ()
    token = span("abstract", abstract, "tokens") if abstract and "tokens" in abstract else None
    return Judgement(
        include="include" if included else "unclear" if unclear else "exclude",
        look=id == EXCLUDED,
        verdicts=(
            Verdict("R1", "met" if included else "unclear", evidence, "says what is studied", 0.9),
            Verdict("R2", "met", (), "a traceable preprint"),
            Verdict("A1", "met" if id == CODEC else "unclear", evidence, "a codec"),
            Verdict("A2", "unclear"),
            Verdict("B1", "met" if id == TITLE_ONLY else "not_met"),
            Verdict("B2", "met" if included else "not_met"),
            Verdict("X1", "met" if id == EXCLUDED else "not_met"),
            Verdict("X2", "not_met"),
            Verdict("X3", "not_met"),
        ),
        topics=tuple(Tag(topic, evidence, 0.8) for topic in _TOPICS.get(id, ("S1",) if included else ())),
        token_type=_TYPES.get(id, "none" if abstract else None),  # type: ignore[arg-type]
        quantizers=(Quantizer("RVQ", span("abstract", abstract, "residual vector quantization")),)
        if id == CODEC and abstract
        else (),
        rules="test-1",
        fields_read=("title", "abstract") if abstract else ("title",),
        text_sha256=text_sha256(title, abstract),
        token_type_evidence=(token,) if token else (),
    )


def _measured(id: str, title: str, abstract: str | None) -> Measured | None:
    stated = {
        CODEC: (
            ("bitrate_kbps", 1.5, "1.5 kbps", "own"),
            ("bitrate_kbps", 6.0, "6 kbps", "compared"),
            ("frame_rate_hz", 75.0, "75 Hz", "own"),
            ("n_codebooks", 2.0, "2 codebooks", "own"),
        ),
        SEMANTIC: (("frame_rate_hz", 25.0, "25 Hz", "own"),),
        HYBRID: (("bitrate_kbps", 0.7, "0.7 kbps", "own"), ("frame_rate_hz", 12.5, "12.5 Hz", "own")),
        LONELY: (("bitrate_kbps", 3.0, "3 kbps", "own"),),
    }.get(id)
    if stated is None or abstract is None:
        return None
    found = [
        Specification(quantity, value, "stated", role, span("abstract", abstract, words))  # type: ignore[arg-type]
        for quantity, value, words, role in stated
    ]
    if id == CODEC:
        found.append(Specification("tokens_per_s", 150.0, "derived", "own", None))
    return Measured(tuple(found), "test-1", ("title", "abstract"), text_sha256(title, abstract))


def _paper(id: str, title: str) -> Paper:
    scheme, _, value = id.partition(":")
    published = PartialDate(f"20{value[:2]}-{value[2:4]}-15", "arxiv") if scheme == "arxiv" else None
    if id == TITLE_ONLY:
        published = PartialDate("2024")
    return Paper(
        ids=(id, "doi:10.1000/audiolm") if id == AUDIOLM else (id,),
        title=title,
        abstract=_ABSTRACTS.get(id, f"{title[:40]} is about tokens." if id in NASTY else None),
        published=published,
        venue="Journal of Invented Audio" if id == CODEC else None,
        authors=None
        if id == UNDATED
        else (Author("name:ada-example", "Ada Example", True), Author("name:bo", "Bo <b>", True)),
        manifestations=(Manifestation(scheme, value),),
        citations_stated=120 if id == AUDIOLM else None,
        references_stated=40 if id == CODEC else None,
        source="openalex" if scheme == "openalex" else "arxiv_listing",
        provenance="invented.jsonl",
    )


def fill(store: GraphStore) -> None:
    """Write the whole invented atlas into an empty store."""
    papers = [_paper(id, title) for id, title in (_TITLES | NASTY).items()]
    cites = [
        (CODEC, AUDIOLM), (SEMANTIC, AUDIOLM), (HYBRID, CODEC), (HYBRID, SEMANTIC), (HYBRID, AUDIOLM),
        (TITLE_ONLY, HYBRID), (TITLE_ONLY, CODEC), (UNDATED, TITLE_ONLY), (UNCLEAR, CODEC), (AUDIOLM, EXCLUDED),
        (CODEC, STUB), *((id, HYBRID) for id in NASTY),
    ]  # fmt: skip
    store.upsert(
        Batch(
            papers=tuple(papers),
            citations=tuple(Citation(citing, cited, "arxiv_listing") for citing, cited in cites),
            judgements={
                p.ids[0]: _judgement(p.ids[0], p.title or "", p.abstract) for p in papers if p.ids[0] != UNJUDGED
            },
            measured={p.ids[0]: found for p in papers if (found := _measured(p.ids[0], p.title or "", p.abstract))},
        ),
        Cursor("arxiv_listing", "invented.jsonl", "14", "2026-01-02T03:04:05+00:00", done=True),
    )
    store.put_clusters(
        "lsa-1:test",
        [
            Cluster("lsa-1:test", 0, "codec, bitrate, quantization", ("codec", "bitrate", "quantization", "stream"), 3),
            Cluster("lsa-1:test", 1, "semantic, speech, $clustering$", ("semantic", "speech", "$clustering$"), 2),
        ],
        {CODEC: 0, HYBRID: 0, LONELY: 0, SEMANTIC: 1, AUDIOLM: 1},
    )
    store.add_to_list("to read", [CODEC, AUDIOLM])
