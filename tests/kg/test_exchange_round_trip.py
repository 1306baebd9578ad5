"""Writing, reading and writing a paper again gives the same bytes, whatever its texts hold, in every format."""

from __future__ import annotations

import csv as spreadsheet
import io
from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg.exchange import bibtex, csl, csv, jsonl, ris
from kg.exchange.entries import joined, separated
from kg.exchange.latex import from_latex, to_latex
from kg.identity import ordered, title_key
from kg.model import Author, Manifestation, Paper, PartialDate
from tests.strategies import canonical_ids

FORMATS = {"bibtex": bibtex, "ris": ris, "csl": csl, "csv": csv, "jsonl": jsonl}
ONE_LINE = {"bibtex", "ris"}
"""Formats in which white space is one space."""

storable = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
awkward = st.sampled_from(
    [
        "\\", "{", "}", "$", "%", "&", "#", "_", "^", "~", "--", "---", "``", "''", "?`", "!`", '"', "'", "@article{x,",
        "\n@misc{y,", "\r\n", "\n\n", "TY  - JOUR", "\nER  - ", "=cmd", "+1", "@SUM", "\t", "$\\beta$", "$k$",
        "$x_{i}$", "\\textbf{a}", "\\&", "{\\'e}", " and ", "others", ",", ";", "; ", "\\;", "von der", "王小明", "é",
        "e\u0301",         "\u2028", "\u00a0", "\u200b", "\ufeff", "<i>x</i>", "&amp;", "%s", "50%", "tokenatlas-ids:",
        "]", "[", "}]", "//",
    ]
)  # fmt: skip
texts = st.lists(st.one_of(st.text(storable, max_size=12), awkward, st.just(" ")), max_size=8).map("".join)
titles = st.tuples(st.sampled_from(["", "Codec ", "=A", "{B} ", "x"]), texts).map("".join).filter(lambda t: t.strip())
names = st.one_of(
    texts,
    st.sampled_from(
        [
            "Ada Example", "Example, Ada", "Aaron van den Oord", "van den Oord, Aaron", "王小明", "Plato", "others",
            "Smith and Sons", "and", "O'Neil, Jr.", "Jean-Luc d'Arc", "J. Q. Public", "The Group, Inc.", "Bo  Sample",
            "de la Cruz", "Ada Example and", "Ünal Ö", "=Ada", "-", "a;b", "and Co",
        ]
    ),
)  # fmt: skip


@st.composite
def dates(draw: st.DrawFn) -> PartialDate:
    year, month, day = draw(st.integers(1, 9999)), draw(st.integers(1, 12)), draw(st.integers(1, 28))
    parts = [f"{year:04d}", f"{month:02d}", f"{day:02d}"][: draw(st.integers(1, 3))]
    return PartialDate(
        "-".join(parts), draw(st.one_of(st.none(), st.sampled_from(["arxiv", "arxiv id", "csl"]), texts))
    )


@st.composite
def papers(draw: st.DrawFn) -> Paper:
    title = draw(titles)
    ids = draw(st.lists(canonical_ids(), max_size=4, unique=True))
    if not ids:
        ids = [f"title:{title_key(title) or 'x'}"]
    versions = [
        Manifestation("arxiv", id.partition(":")[2], draw(st.integers(1, 20)), "arxiv")
        for id in ids
        if id.startswith("arxiv:") and draw(st.booleans())
    ]
    people = draw(st.one_of(st.none(), st.lists(names, max_size=5)))
    return Paper(
        ids=tuple(ids),
        title=title,
        abstract=draw(st.one_of(st.none(), texts)),
        published=draw(st.one_of(st.none(), dates())),
        venue=draw(st.one_of(st.none(), texts, st.sampled_from(["ICASSP 2022", "arXiv.org", "CoRR", "Speech & Co."]))),
        categories=draw(st.one_of(st.none(), st.lists(texts, max_size=3).map(tuple), st.just(("cs.SD", "eess.AS")))),
        authors=None
        if people is None
        else tuple(Author(f"openalex:A{n}", name, name_only=False) for n, name in enumerate(people)),
        manifestations=tuple(versions),
        citations_stated=draw(st.one_of(st.none(), st.integers(0, 10**6))),
        source="openalex",
        provenance="somewhere",
    )


def written(format: ModuleType, *papers: Paper) -> str:
    target = io.StringIO(newline="")
    assert format.write_papers(target, papers) == len(papers)
    # What a file would hold, since a text that cannot be encoded is never stored.
    return target.getvalue().encode("utf-8").decode("utf-8")


def read(format: ModuleType, text: str) -> list[Paper]:
    found = []
    for entry in format.read_papers(io.StringIO(text, newline=""), name="x"):
        assert entry.paper is not None, (entry.fault and (entry.fault.field, entry.fault.reason), text)
        found.append(entry.paper)
    return found


@pytest.mark.parametrize("name", FORMATS)
@given(st.lists(papers(), max_size=3))
@example([])
@example([Paper(ids=("title:x",), title="x", categories=(" ", "", "cs.SD"))])
@example([Paper(ids=("title:x",), title="x", categories=(" ",))])
@example([Paper(ids=("title:x",), title="x", authors=(Author("a", "Wei Wang", False), Author("b", "Wei Wang", False)))])
def test_what_was_written_is_written_again_byte_by_byte(name: str, told: list[Paper]) -> None:
    format = FORMATS[name]
    first = written(format, *told)
    again = read(format, first)
    assert written(format, *again) == first


@pytest.mark.parametrize("name", FORMATS)
@given(papers())
def test_what_is_read_is_what_was_told(name: str, told: Paper) -> None:
    def plain(text: str | None) -> str | None:
        if text is None or not text.strip():
            return None
        return " ".join(text.split()) if name in ONE_LINE else text

    (found,) = read(FORMATS[name], written(FORMATS[name], told))
    assert found.ids == ordered(told.ids)
    assert found.title == plain(told.title)
    assert found.abstract == plain(told.abstract)
    assert found.venue == plain(told.venue)
    assert (found.published and found.published.value) == (told.published and told.published.value)
    assert [a.name for a in found.authors or ()] == [plain(a.name) for a in told.authors or () if title_key(a.name)]
    assert len({author.id for author in found.authors or ()}) == len(found.authors or ())
    if told.categories == ("cs.SD", "eess.AS"):
        assert found.categories == told.categories
    versions = {each.value: each.version for each in told.manifestations}
    assert {m.value: m.version for m in found.manifestations if m.version} == versions
    assert found.source == name


@given(texts)
def test_latex_means_the_text_it_was_made_from(text: str) -> None:
    assert from_latex(to_latex(text)) == text


@given(st.lists(texts))
def test_a_list_in_a_cell_comes_back(values: list[str]) -> None:
    if values not in ([""],):
        assert separated(joined(values)) == values


@given(st.lists(papers(), max_size=3))
def test_no_cell_of_a_table_is_run_by_a_spreadsheet(told: list[Paper]) -> None:
    text = written(csv, *told)
    for row in spreadsheet.reader(io.StringIO(text, newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)


@pytest.mark.parametrize("name", FORMATS)
def test_papers_are_written_one_by_one(name: str) -> None:
    """A million papers are no list in memory: the writer asks for the next when it has written the one before."""
    target = io.StringIO(newline="")
    sizes: list[int] = []

    def told() -> Iterator[Paper]:
        for number in range(3):
            sizes.append(target.tell())
            yield Paper(ids=(f"title:t{number}",), title=f"T{number}")

    FORMATS[name].write_papers(target, told())
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("name", FORMATS)
def test_a_paper_without_an_abstract_has_no_abstract_in_the_file(name: str) -> None:
    assert "abstract" not in written(bibtex, Paper(ids=("title:t",), title="T"))
    assert "AB  -" not in written(ris, Paper(ids=("title:t",), title="T"))
    (found,) = read(FORMATS[name], written(FORMATS[name], Paper(ids=("title:t",), title="T")))
    assert (found.abstract, found.published, found.venue, found.categories) == (None, None, None, None)
