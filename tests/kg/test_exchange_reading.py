"""Files as other programs write them: what is taken from them, what is refused, and with which words."""

from __future__ import annotations

import io
import json
import time
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg.errors import InputError
from kg.exchange import bibtex, csl, csv, jsonl, ris
from kg.exchange.entries import Entry, date_in, turned
from kg.exchange.latex import from_latex
from kg.model import Paper

FORMATS = {"bibtex": bibtex, "ris": ris, "csl": csl, "csv": csv, "jsonl": jsonl}


def entries(format: ModuleType, text: str, **options: Any) -> list[Entry]:
    return list(format.read_papers(io.StringIO(text, newline=""), name="lib", **options))


def one(format: ModuleType, text: str, **options: Any) -> Paper:
    (entry,) = entries(format, text, **options)
    assert entry.paper is not None, entry.fault
    return entry.paper


def names(paper: Paper) -> list[str]:
    return [author.name for author in paper.authors or ()]


def dated(paper: Paper) -> str | None:
    return paper.published.value if paper.published else None


def bib(fields: str, kind: str = "article") -> Paper:
    return one(bibtex, f"@{kind}{{k, title = {{On Codecs}}, {fields}}}")


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ("eprint = {2107.03312v2}, archivePrefix = {arXiv}, primaryClass = {cs.SD}", ("arxiv:2107.03312",)),
        ("eprint = {2107.03312}", ("arxiv:2107.03312",)),
        ("eprint = {cs/0112017}, eprinttype = {arxiv}", ("arxiv:cs/0112017",)),
        ("eprint = {hal-0123}, eprinttype = {hal}", ("title:oncodecs",)),
        ("journal = {arXiv preprint arXiv:2107.03312}", ("arxiv:2107.03312",)),
        ("journal = {CoRR}, volume = {abs/2107.03312}", ("arxiv:2107.03312",)),
        ("note = {arXiv:2107.03312 [cs]}", ("arxiv:2107.03312",)),
        ("howpublished = {\\url{https://arxiv.org/abs/2107.03312}}", ("arxiv:2107.03312",)),
        ("url = {http://arxiv.org/pdf/2107.03312v1.pdf}", ("arxiv:2107.03312",)),
        ("doi = {10.48550/arXiv.2107.03312}", ("arxiv:2107.03312",)),
        ("doi = {https://doi.org/10.1109/TASLP.2021.3129994}", ("doi:10.1109/taslp.2021.3129994",)),
        ("doi = {10.1000/a\\_b}", ("doi:10.1000/a_b",)),
        ("url = {https://dl.acm.org/doi/10.1145/1.2}", ("doi:10.1145/1.2",)),
        ("note = {doi: 10.1000/xyz.}", ("doi:10.1000/xyz",)),
        ("note = {See https://openalex.org/W2618500857}", ("openalex:W2618500857",)),
        ("doi = {10.1000/x}, eprint = {2107.03312}", ("arxiv:2107.03312", "doi:10.1000/x")),
        ("note = {After arXiv:2107.03312 and arXiv:2209.03143}", ("title:oncodecs",)),
        ("url = {https://example.org/paper.pdf}", ("title:oncodecs",)),
        ("journal = {ICLR}, year = 2021", ("title:oncodecs",)),
        ("note = {accepted 2021.12345678}", ("title:oncodecs",)),
    ],
)
def test_an_entry_gets_the_ids_that_it_names_wherever_they_stand(fields: str, ids: tuple[str, ...]) -> None:
    assert bib(fields).ids == ids


def test_the_version_of_a_preprint_belongs_to_its_manifestation() -> None:
    (manifestation,) = bib("eprint = {2107.03312v2}").manifestations
    assert (manifestation.value, manifestation.version, manifestation.source) == ("2107.03312", 2, "bibtex")


def test_a_doi_that_is_none_is_passed_over_aloud() -> None:
    (entry,) = entries(bibtex, "@article{k, title = {A Codec}, doi = {to appear}}")
    assert entry.paper is not None
    assert entry.paper.ids == ("title:acodec",)
    assert entry.remarks == ("doi 'to appear' is no id",)


@pytest.mark.parametrize("journal", ["arXiv preprint arXiv:2107.03312", "CoRR", "arXiv.org"])
def test_a_preprint_server_is_no_venue(journal: str) -> None:
    assert bib(f"journal = {{{journal}}}").venue is None


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("Example, Ada and Bo Sample", ["Ada Example", "Bo Sample"]),
        ('van den Oord, A{\\"a}ron and others', ["Aäron van den Oord"]),
        ("{The Group, Inc.} and Plato", ["The Group, Inc.", "Plato"]),
        ("Sample, Jr., Bo", ["Bo Sample Jr."]),
        ("王, 小明 and 李四", ["王小明", "李四"]),
        ("{\\L}ukasz Ka{\\'z}mierczak\n   and {\\O}ystein {\\c{C}}elik", ["Łukasz Kaźmierczak", "Øystein Çelik"]),
        ("Wei Wang and Wei Wang", ["Wei Wang", "Wei Wang"]),
    ],
)
def test_names_are_read_as_they_are_spoken(author: str, expected: list[str]) -> None:
    assert names(bib(f"author = {{{author}}}")) == expected


def test_two_authors_of_one_name_are_two_people() -> None:
    paper = bib("author = {Wei Wang and Wei Wang}")
    assert [author.id for author in paper.authors or ()] == ["name:wei-wang", "name:wei-wang-2"]


@pytest.mark.parametrize(
    ("fields", "date"),
    [
        ("year = 2021", "2021"),
        ('year = "2021", month = jul', "2021-07"),
        ("year = {2021}, month = {July}, day = 4", "2021-07-04"),
        ("year = 2021, month = 7", "2021-07"),
        ("year = 2021, month = jul # {~4}", "2021-07-04"),
        ("date = {2021-07-04/2021-07-09}", "2021-07-04"),
        ("date = {2021-02-30}", "2021-02"),
        ("year = {in press}", None),
        ("year = {2021a}, month = unknownmacro", "2021"),
    ],
)
def test_a_date_is_as_precise_as_it_is_stated(fields: str, date: str | None) -> None:
    assert dated(bib(fields)) == date


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        ("{SoundStream}: An {E}nd-to-End Codec", "SoundStream: An End-to-End Codec"),
        ('M{\\"u}ller \\& Stra{\\ss}e', "Müller & Straße"),
        ("50% better at 5\\% cost & more", "50% better at 5% cost & more"),
        ("$\\beta$-VAE and \\$5", "$\\beta$-VAE and $5"),
        ("a -- b --- ``c''", "a – b — “c”"),
        ("\\emph{very} \\textbf{bold} \\mbox{box}", "very bold box"),
        ("\\href{https://x.org/a_b}{link} \\url{https://x.org/a%b}", "link https://x.org/a%b"),
        ("\\input{/etc/passwd}", ""),
    ],
)
def test_latex_is_decoded_and_never_run(latex: str, text: str) -> None:
    assert from_latex(latex) == text


def test_deep_braces_are_refused() -> None:
    (entry,) = entries(bibtex, "@article{k, title = {" + "{" * 500 + "\\'x" + "}" * 500 + "}}")
    assert entry.fault is not None
    assert "nested" in entry.fault.reason


def test_strings_comments_and_what_crossref_inherits() -> None:
    text = """Notes of the owner, no entry.
@comment{jabref-meta: grouping}
@preamble{ "\\newcommand{\\x}{y}" }
@string{icassp = "Int. Conf. on Acoustics"}
@STRING(old = {Old } # icassp)
@inproceedings{a, title = "A {"}quoted{"} title", booktitle = icassp # { 2022}, crossref = {vol}}
@InProceedings(b, title = {In (round) brackets}, booktitle = old)
@inproceedings{c, title = {A Child}, crossref = {VOL}}
@proceedings{vol, title = {Proceedings of Everything}, year = 2019, doi = {10.1000/whole.volume}}
"""
    found = entries(bibtex, text)
    assert [(entry.line, entry.key) for entry in found] == [(6, "a"), (7, "b"), (8, "c")]
    papers = [entry.paper for entry in found]
    assert all(papers)
    assert [(paper.title, paper.venue, dated(paper)) for paper in papers if paper] == [
        ('A "quoted" title', "Int. Conf. on Acoustics 2022", "2019"),
        ("In (round) brackets", "Old Int. Conf. on Acoustics", None),
        ("A Child", "Proceedings of Everything", "2019"),
    ]
    assert papers[2] is not None
    assert papers[2].ids == ("title:achild",)  # the volume's DOI is not the paper's


def test_each_kind_of_broken_entry_costs_itself_and_says_why() -> None:
    broken = {
        "open brace": "@article{bad1, title = {Never closed,\n year = 2020\n}",
        "open quote": '@article{bad2, title = "Never closed,\n year = 2020\n}',
        "no comma": "@article{bad3\n title = {No comma}\n}",
        "no comma between": "@article{bad4, title = {A} year = 2020}",
        "brace too many": "@article{bad5, title = {A}}, year = {2020}}",
        "no title": "@article{bad6, year = {2020}}",
        "title undefined": "@article{bad7, title = nowhere}",
        "no end": "@article{bad8, title = {A}, year = 2020\n",
    }
    good = "@article{{good{0}, title = {{Good Number {0}}}}}\n"
    text = "".join(f"{entry}\n{good.format(n)}" for n, entry in enumerate(broken.values()))
    found = entries(bibtex, text)
    assert [entry.key for entry in found if entry.paper] == [f"good{n}" for n in range(len(broken))]
    faults = {entry.key: entry for entry in found if entry.fault}
    assert list(faults) == [f"bad{n}" for n in range(1, 9)]
    lines = text.split("\n")
    for key, entry in faults.items():
        assert key in lines[entry.line - 1]
        assert entry.fault is not None
        assert len(entry.fault.reason) > 5
    assert faults["bad1"].fault is not None
    assert "brace or quote is missing" in faults["bad1"].fault.reason
    assert faults["bad5"].fault is not None
    assert "too many" in faults["bad5"].fault.reason


def test_windows_line_ends_and_a_field_given_twice() -> None:
    paper = one(bibtex, "\ufeff@article{k,\r\n title = {Over\r\n   two lines},\r\n note = {a},\r\n note = {b}\r\n}\r\n")
    assert paper.title == "Over two lines"


def test_an_oversized_entry_is_passed_over_in_bounded_memory() -> None:
    text = "@article{a, title = {" + "x" * 4_100_000 + "}}\n@article{b, title = {B}}\n"
    first, second = entries(bibtex, text)
    assert first.fault is not None
    assert "oversized" in first.fault.reason
    assert second.key == "b"


ZOTERO_RIS = """TY  - CPAPER
TI  - A Conference Codec
AU  - Example, Ada
AU  - van den Oord, Aaron
T2  - Proceedings of Interspeech
DA  - 2022/09/18/
PY  - 2022
DO  - 10.21437/Interspeech.2022-1
UR  - https://example.org/x
AB  - First line
 and a second.
KW  - speech
KW  - cs.SD
ER  -
"""
ENDNOTE_RIS = """1.
TY - JOUR
A1 - Sample, Bo
T1 - A Journal Codec
JO - Signal Letters
Y1 - 2020/03//
N1 - arXiv:2001.00001
M3 - 10.1000/end.note
ER -
"""
WOS_RIS = """TY  - JOUR
AU  - Third, C
TI  - A Web Codec
T2  - IEEE TRANSACTIONS
PY  - 2021
DA  - MAR 4
DO  - 10.1109/x.2021.1
ER  -

"""


def test_ris_of_three_programs() -> None:
    found = [entry.paper for entry in entries(ris, ZOTERO_RIS + "\n" + ENDNOTE_RIS + "\n" + WOS_RIS)]
    assert all(found)
    first, second, third = (paper for paper in found if paper)
    assert (first.title, first.venue, dated(first)) == (
        "A Conference Codec",
        "Proceedings of Interspeech",
        "2022-09-18",
    )
    assert (names(first), first.ids) == (["Ada Example", "Aaron van den Oord"], ("doi:10.21437/interspeech.2022-1",))
    assert (first.abstract, first.categories) == ("First line and a second.", ("cs.SD",))
    assert (second.ids, dated(second), second.venue) == (
        ("arxiv:2001.00001", "doi:10.1000/end.note"),
        "2020-03",
        "Signal Letters",
    )
    assert (third.ids, dated(third)) == (("doi:10.1109/x.2021.1",), "2021-03-04")


def test_a_ris_record_without_its_end_is_whole_all_the_same() -> None:
    text = "TY  - JOUR\nTI  - One\nTY  - JOUR\nTI  - Two\nTI  - Two again\n\nTY  - JOUR\nPY  - 2020\nER  - \n"
    found = entries(ris, text)
    assert [(entry.line, entry.paper and entry.paper.title) for entry in found] == [(1, "One"), (3, "Two"), (7, None)]
    assert found[2].fault is not None
    assert found[2].fault.reason == "no title"


def test_csl_as_zotero_writes_it() -> None:
    items = [
        {
            "id": "http://zotero.org/users/1/items/A",
            "type": "article",
            "title": "A <i>Codec</i> for &amp; by",
            "author": [
                {"family": "Oord", "given": "Aaron", "non-dropping-particle": "van den"},
                {"literal": "A Group"},
            ],
            "issued": {"date-parts": [["2021", 7, "7"]]},
            "note": "arXiv: 2107.03312 [cs, eess]\nOther: x",
            "container-title": "arXiv:2107.03312",
            "unknown": {"a": [1, 2]},
        },
        {
            "id": 7,
            "title": ["Listed"],
            "DOI": "10.1000/X",
            "issued": {"raw": "March 2020"},
            "author": [{"family": "王", "given": "小明"}],
        },
        {"title": "Plain", "issued": "2019", "number": "arXiv:2001.00001", "author": ["Example, Ada"]},
        {"title": None},
        3,
        {"title": 4},
    ]
    found = entries(csl, json.dumps(items, indent=2))
    papers = [entry.paper for entry in found[:3] if entry.paper]
    assert [paper.ids for paper in papers] == [("arxiv:2107.03312",), ("doi:10.1000/x",), ("arxiv:2001.00001",)]
    assert [paper.title for paper in papers] == ["A Codec for & by", "Listed", "Plain"]
    assert [dated(paper) for paper in papers] == ["2021-07-07", "2020-03", "2019"]
    assert [names(paper) for paper in papers] == [["Aaron van den Oord", "A Group"], ["王小明"], ["Ada Example"]]
    assert papers[0].venue is None
    assert [entry.fault.field for entry in found if entry.fault] == ["title", "item", "title"]


def test_a_csl_item_that_is_no_json_costs_itself() -> None:
    text = '[\n {"title": "One"},\n {"title": "Two",,},\n {"title": "Three \\"]{ \\\\"}\n]'
    found = entries(csl, text)
    assert [(entry.line, entry.paper and entry.paper.title) for entry in found] == [
        (2, "One"),
        (3, None),
        (4, 'Three "]{ \\'),
    ]


def test_a_cut_csl_file_gives_what_came_before_the_cut() -> None:
    found = csl.read_papers(io.StringIO('[{"title": "One"}, {"title": "Tw'), name="lib")
    assert next(found).paper is not None
    assert next(found).fault is not None
    with pytest.raises(EOFError):
        next(found)


@pytest.mark.parametrize("text", ['{"items": []}', "<html>", ""])
def test_a_file_that_is_no_array_is_no_csl(text: str) -> None:
    with pytest.raises(InputError, match="array"):
        entries(csl, text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_is_read_whatever_separates_its_columns(delimiter: str) -> None:
    header = ["Title", "Author", "Publication Year", "DOI", "Abstract Note"]
    row = ['"A ""quoted"", long; title"', '"Example, Ada; Sample, Bo"', "2020", "10.1000/x", '"Two\nlines"']
    paper = one(csv, "\ufeff" + delimiter.join(header) + "\r\n" + delimiter.join(row) + "\r\n")
    assert (paper.title, paper.ids, dated(paper)) == ('A "quoted", long; title', ("doi:10.1000/x",), "2020")
    assert (names(paper), paper.abstract) == (["Ada Example", "Bo Sample"], "Two\nlines")
    assert paper.provenance == "lib: line 2"


def test_a_mapping_names_columns_with_unusual_names() -> None:
    text = "Titel;Wer;Kennung;Jahr\nÜber Codecs;Ada Example, Bo Sample und Co;arXiv:2107.03312;2021\n"
    paper = one(csv, text, columns={"title": "titel", "authors": "Wer", "arxiv": "Kennung", "year": "Jahr"})
    assert (paper.title, paper.ids, dated(paper)) == ("Über Codecs", ("arxiv:2107.03312",), "2021")


def test_a_missing_mapped_column_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError) as caught:
        entries(csv, "Titel,Jahr\nX,2020\n", columns={"title": "Title"})
    assert "'Title'" in caught.value.message
    assert caught.value.expected == "Titel, Jahr"
    assert caught.value.at == "line 1"
    with pytest.raises(InputError, match="No column holds a title"):
        entries(csv, "Titel,Jahr\nX,2020\n")
    with pytest.raises(InputError, match="no field 'titel'"):
        entries(csv, "Titel,Jahr\nX,2020\n", columns={"titel": "Titel"})


def test_a_row_with_an_open_quote_costs_its_own_line() -> None:
    text = 'title,year\nOne,2020\n"Two,2020\nThree,2020\nFour,2020,extra\n'
    found = entries(csv, text)
    assert [(entry.line, entry.paper and entry.paper.title) for entry in found] == [
        (2, "One"),
        (3, None),
        (4, "Three"),
        (5, None),
    ]


def test_text_that_cannot_be_stored_is_refused() -> None:
    assert entries(csv, "title\na\0b\n")[0].fault is not None
    (entry,) = entries(csl, '[{"title": "half \\ud800 pair"}]')
    assert entry.fault is not None
    assert "surrogate" in entry.fault.reason


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("Oord, Aaron van den", "Aaron van den Oord"),
        ("Sample, Bo, Jr.", "Bo Sample Jr."),
        ("Plato", "Plato"),
        (",", ""),
    ],
)
def test_names_are_turned(name: str, spoken: str) -> None:
    assert turned(name) == spoken


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = date_in(text, None)
    assert found is None or found.value[:4].isdigit()


fragments = st.sampled_from(
    [
        "@article{k,", "title = {", "}", "{", '"', "#", "=", ",", "@string{a=", "@comment{", "crossref = {k}", "\\'",
        "\\", "$", "TY  - JOUR", "ER  - ", "TI  - x", "DA  - 2020", "\n", "\r", "[", "]", '{"title": "x"}', '"ids"',
        ":", "title", ";", "\t", "author_names", "ids,author_names,title", "arXiv:2107.03312", "%", "\\begin{a}",
        "\\frac", "\\url{", "(", ")",
    ]
)  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
@given(st.one_of(st.text(max_size=200), st.lists(st.one_of(fragments, st.text(max_size=3)), max_size=40).map("".join)))
def test_no_text_at_all_makes_a_reader_stumble(name: str, text: str) -> None:
    try:
        found = entries(FORMATS[name], text)
    except (InputError, EOFError):
        return
    for entry in found:
        assert (entry.paper is None) != (entry.fault is None)
        assert entry.line >= 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bibtex", "@article{k, title = {T}, author = {a" + " " * 300_000 + "b}, keywords = {" + " " * 300_000 + "}}"),
        ("bibtex", "@article{k, title = {T}, note = {arXiv" + " " * 300_000 + "}}"),
        ("bibtex", "@article{k, title = {T}, abstract = {" + "\\'e " * 100_000 + "}}"),
        ("bibtex", "@article{k, title = {T}, abstract = {" + "$" * 300_000 + "}}"),
        ("ris", "TY  - JOUR\nTI  - T\nAB  - a\n" + "b\n" * 300_000 + "ER  - \n"),
        ("csv", "title,author,extra\nT,a" + " " * 100_000 + "b,arXiv" + " " * 100_000 + "\n"),
        ("csl", '[{"title": "T", "note": "arXiv' + " " * 300_000 + '"}]'),
    ],
)
def test_long_runs_of_anything_take_time_in_proportion(name: str, text: str) -> None:
    began = time.monotonic()
    assert one(FORMATS[name], text).title == "T"
    assert time.monotonic() - began < 20
