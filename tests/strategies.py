"""Hypothesis strategies that several rooms share: ids in every spelling, dirty titles, citation graphs with loops."""

from __future__ import annotations

from hypothesis import strategies as st

HEX = "0123456789abcdef"


@st.composite
def new_arxiv_values(draw: st.DrawFn) -> str:
    """An arXiv id of the new style, e.g. 2107.03312 (five digits) or 0811.1234 (four)."""
    month = draw(st.integers(1, 12))
    if draw(st.booleans()):
        return f"{draw(st.integers(15, 99)):02d}{month:02d}.{draw(st.integers(1, 99999)):05d}"
    return f"{draw(st.integers(8, 14)):02d}{month:02d}.{draw(st.integers(1, 9999)):04d}"


@st.composite
def old_arxiv_values(draw: st.DrawFn) -> str:
    """An arXiv id of the old style, e.g. hep-th/9901001."""
    archive = draw(st.sampled_from(["cs", "math", "hep-th", "cond-mat", "q-bio", "astro-ph"]))
    year = draw(st.sampled_from([92, 95, 99, 0, 3, 6]))
    return f"{archive}/{year:02d}{draw(st.integers(1, 12)):02d}{draw(st.integers(1, 999)):03d}"


def arxiv_values() -> st.SearchStrategy[str]:
    """An arXiv id of either style, without prefix."""
    return st.one_of(new_arxiv_values(), old_arxiv_values())


@st.composite
def doi_values(draw: st.DrawFn) -> str:
    """A DOI in lower case, brackets and odd characters included; never an arXiv DOI."""
    registrant = draw(st.integers(1000, 48000))
    middle = draw(st.text("abcxyz0123456789.-_;()/:<>+[]#%?&é中", max_size=12))
    return f"10.{registrant}/{middle}{draw(st.sampled_from('abc123'))}"


@st.composite
def canonical_ids(draw: st.DrawFn) -> str:
    """A canonical id of any scheme but title."""
    scheme = draw(st.sampled_from(["arxiv", "doi", "openalex", "s2", "corpusid"]))
    if scheme == "arxiv":
        return f"arxiv:{draw(arxiv_values())}"
    if scheme == "doi":
        return f"doi:{draw(doi_values())}"
    if scheme == "s2":
        return f"s2:{draw(st.text(HEX, min_size=40, max_size=40))}"
    number = draw(st.integers(1, 10**11))
    return f"openalex:W{number}" if scheme == "openalex" else f"corpusid:{number}"


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """(some spelling of an id, its canonical form)."""
    canonical = draw(canonical_ids())
    scheme, _, value = canonical.partition(":")
    if scheme == "arxiv":
        version = draw(st.sampled_from(["", "v1", "v12"]))
        shape = draw(
            st.sampled_from(
                [
                    "{v}",
                    "arXiv:{v}",
                    "arXiv: {v}",
                    "ARXIV:{v}",
                    "https://arxiv.org/abs/{v}",
                    "http://export.arxiv.org/pdf/{v}.pdf",
                    "arxiv.org/pdf/{v}",
                    "https://arxiv.org/html/{v}/",
                    "10.48550/arXiv.{v}",
                    "https://doi.org/10.48550/ARXIV.{v}",
                    "oai:arXiv.org:{v}",
                    " arXiv:{v} [cs.SD]",
                ]
            )
        )
        return shape.format(v=value + version), canonical
    if scheme == "doi":
        shape = draw(st.sampled_from(["{v}", "doi:{v}", "DOI: {v}", "info:doi/{v}", "{v}.", " {v}, ", "\ufeff{v}"]))
        cased = value.replace("a", "A").replace("x", "X") if draw(st.booleans()) else value
        return shape.format(v=cased), canonical
    shapes = {
        "openalex": ["{v}", "openalex:{v}", "https://openalex.org/{v}", "https://api.openalex.org/works/{v}"],
        "s2": ["{v}", "s2:{v}", "https://www.semanticscholar.org/paper/A-Title/{v}"],
        "corpusid": ["CorpusID:{v}", "CorpusId: {v}", "S2CID {v}", "https://api.semanticscholar.org/CorpusID:{v}"],
    }
    shape = draw(st.sampled_from(shapes[scheme]))
    return shape.format(v=value), canonical


def dirty_titles() -> st.SearchStrategy[str]:
    """Titles as sources send them: markup, entities, odd spaces, accents, other scripts, broken escapes."""
    pieces = st.sampled_from(
        [
            "Neural Audio Codec",
            "語音 標記",
            "Größe",
            "na\u0131ve",
            "e\u0301tude",
            "\\textbf{S}cale",
            "$k$-means",
            "<i>wav2vec</i>",
            "&amp;",
            "\\n",
            "se- mantic",
            "\u00a0",
            "\u200b",
            "ﬁne",
            "1.5",
            "\\'e",
            "ΣΑΣ",
            "İ",
            "\ud800",
        ]
    )
    return st.one_of(st.text(max_size=40), st.lists(pieces, max_size=6).map(" ".join))


@st.composite
def citation_graphs(draw: st.DrawFn, size: int = 8) -> tuple[list[str], list[tuple[str, str]]]:
    """(work ids, citations between them); loops, cycles and repeated pairs included."""
    ids = draw(st.lists(canonical_ids(), min_size=1, max_size=size, unique=True))
    pairs = st.tuples(st.sampled_from(ids), st.sampled_from(ids))
    return ids, draw(st.lists(pairs, max_size=4 * size))
