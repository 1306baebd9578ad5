"""What `kg.identity` promises: one spelling per work, errors with a fix, dates from ids, digests that cannot meet."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg.errors import InputError
from kg.identity import (
    SCHEMES,
    ParsedId,
    author_id,
    date_from_arxiv_id,
    normalise,
    ordered,
    parse,
    text_sha256,
    title_key,
    work_id,
)
from kg.model import PartialDate
from tests.strategies import canonical_ids, dirty_titles, spellings

S2 = "0b7ee9b8ae25da50ba4cf4b8adb6ef1ae45ab62c"


@pytest.mark.parametrize(
    ("text", "scheme", "value", "version"),
    [
        ("2107.03312", "arxiv", "2107.03312", None),
        ("2107.03312v2", "arxiv", "2107.03312", 2),
        ("arXiv:2107.03312V3", "arxiv", "2107.03312", 3),
        ("0704.0001", "arxiv", "0704.0001", None),
        ("1412.9999", "arxiv", "1412.9999", None),
        ("1501.00001", "arxiv", "1501.00001", None),
        ("arXiv:cs/0112017", "arxiv", "cs/0112017", None),
        ("cs.CL/0112017v1", "arxiv", "cs/0112017", 1),
        ("math.GT/0309136", "arxiv", "math/0309136", None),
        ("HEP-TH/9108001", "arxiv", "hep-th/9108001", None),
        ("arXiv:2107.03312v2 [eess.AS] 7 Jul 2021", "arxiv", "2107.03312", 2),
        ("arXiv 2107.03312", "arxiv", "2107.03312", None),
        ("https://arxiv.org/pdf/2107.03312v1.pdf", "arxiv", "2107.03312", 1),
        ("http://arxiv.org/abs/hep-th/9901001v2?context=cs#top", "arxiv", "hep-th/9901001", 2),
        ("https://ar5iv.labs.arxiv.org/html/2107.03312", "arxiv", "2107.03312", None),
        ("https://huggingface.co/papers/2107.03312", "arxiv", "2107.03312", None),
        ("10.48550/arXiv.2107.03312", "arxiv", "2107.03312", None),
        ("https://doi.org/10.48550/arxiv.cs/0112017", "arxiv", "cs/0112017", None),
        ("doi.org/10.1109/TASLP.2021.3129994", "doi", "10.1109/taslp.2021.3129994", None),
        ("http://dx.doi.org/10.1002/(SICI)1097-4571(199806)49:8", "doi", "10.1002/(sici)1097-4571(199806)49:8", None),
        ("https://doi.org/10.1002/%28SICI%291097", "doi", "10.1002/(sici)1097", None),
        ("https://doi.org/https://doi.org/10.1109/5.771073", "doi", "10.1109/5.771073", None),
        ("doi:https://doi.org/10.1109/5.771073", "doi", "10.1109/5.771073", None),
        ("DOI 10.1109/5.771073", "doi", "10.1109/5.771073", None),
        ("(see 10.1109/5.771073)"[5:], "doi", "10.1109/5.771073", None),
        ("10.1000/a(b)c.", "doi", "10.1000/a(b)c", None),
        ("10.1000/a%20b", "doi", "10.1000/a%20b", None),
        ("https://dl.acm.org/doi/abs/10.1145/3386569.3392469", "doi", "10.1145/3386569.3392469", None),
        ("https://link.springer.com/article/10.1007/s11263-015-0816-y", "doi", "10.1007/s11263-015-0816-y", None),
        ("W2618500857", "openalex", "W2618500857", None),
        ("w12", "openalex", "W12", None),
        ("https://openalex.org/W2618500857", "openalex", "W2618500857", None),
        ("https://api.openalex.org/works/w2618500857", "openalex", "W2618500857", None),
        ("CorpusID:123", "corpusid", "123", None),
        ("Corpus ID: 123", "corpusid", "123", None),
        ("S2CID 123", "corpusid", "123", None),
        ("https://api.semanticscholar.org/CorpusID:123", "corpusid", "123", None),
        (S2, "s2", S2, None),
        ("s2:" + S2.upper(), "s2", S2, None),
        (f"https://www.semanticscholar.org/paper/SoundStream/{S2}", "s2", S2, None),
        ("URL:https://arxiv.org/abs/2107.03312", "arxiv", "2107.03312", None),
        ("title:A Plain Title!", "title", "aplaintitle", None),
        ("\ufeff2107.03312\u200b\n", "arxiv", "2107.03312", None),
    ],
)
def test_every_spelling_has_one_form(text: str, scheme: str, value: str, version: int | None) -> None:
    assert parse(text) == ParsedId(scheme, value, version)
    assert parse(text).id == normalise(text) == f"{scheme}:{value}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "SoundStream",
        "123",
        "2113.00001",
        "0000.0000",
        "1412.12345",
        "1501.0001",
        "0703.0001",
        "2107.03312v0",
        "hep-th/9106001",
        "cs/0704001",
        "sound/0112017",
        "10.48550/arXiv.abc",
        "10.1109/",
        "10.1109",
        "10/abcd",
        "10.1109/a b",
        "A5023888391",
        "https://openalex.org/A5023888391",
        "W0",
        "openalex:W012",
        "CorpusID:0",
        "CorpusID:x",
        S2[:-1],
        "s2:" + S2[:-1] + "g",
        "https://example.org/paper",
        "https://arxiv.org/list/cs.SD/recent",
        "https://www.semanticscholar.org/author/1",
        "title:",
        "title: !?",
        "url:url:url:url:2107.03312",
        "２１０７.０３３１２",
        "10.1109/" + "x" * 3000,
    ],
)
def test_what_is_no_id_is_refused_with_a_fix(text: str) -> None:
    with pytest.raises(InputError) as caught:
        normalise(text)
    assert caught.value.field == "id"
    assert caught.value.code == "input.id"
    assert caught.value.hint
    assert len(caught.value.value or "") <= 80


@given(spellings())
def test_spellings_meet_in_the_canonical_id(case: tuple[str, str]) -> None:
    text, canonical = case
    assert normalise(text) == canonical


@given(canonical_ids())
@example("doi:10.1000/%41")
@example("doi:10.48550/x")
@example("doi:10.1000/doi:10.1000/x")
@example("doi:10.1000/https://arxiv.org/abs/2107.03312")
def test_a_canonical_id_is_its_own_form(id: str) -> None:
    assert normalise(id) == id


@given(st.one_of(st.text(max_size=60), spellings().map(lambda case: case[0]), dirty_titles().map("title:".__add__)))
@example("doi:10.1000/x..")
@example("doi:10.1000/(x))")
@example("title:" + "ß" * 300)
@example("doi:10.1000/\u2028x")
def test_normalising_twice_changes_nothing(text: str) -> None:
    try:
        once = normalise(text)
    except InputError:
        return
    assert normalise(once) == once
    assert once.partition(":")[0] in SCHEMES


@given(dirty_titles())
@example("ΐ" * 3)
@example("a" * 500)
@example("ﬃ\u0345ͅ")
@example("각 ㄱ\u1161")
def test_folding_a_title_key_changes_nothing(title: str) -> None:
    key = title_key(title)
    assert title_key(key) == key
    assert len(key) <= 400


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SoundStream: An End-to-End Neural Audio Codec", "Soundstream - an end to end neural audio codec."),
        ("se- mantic tokens", "Semantic Tokens"),
        (r"Tokens at \textbf{S}cale with $k$-means", "Tokens at Scale with k-means"),
        ("<i>wav2vec</i> &amp; HuBERT", "wav2vec & HuBERT"),
        ("Étude", "E\u0301tude"),
        ("Größe", "GRÖSSE"),
        ("A Broken\\n Title", "A Broken Title"),
        ("ﬁne tokens", "fine tokens"),
    ],
)
def test_a_title_key_forgets_spelling(one: str, other: str) -> None:
    assert title_key(one) == title_key(other) != ""


def test_a_title_key_keeps_what_differs() -> None:
    titles = [
        "Audio Tokens I",
        "Audio Tokens II",
        "音訊標記",
        "音訊編碼",
        "α-VAE",
        "β-VAE",
        r"\nu-VAE",
        "x" * 300,
        "x" * 301,
    ]
    assert len({title_key(title) for title in titles}) == len(titles)
    assert title_key("?!") == ""


def test_exact_ids_rank_arxiv_doi_openalex_s2_corpusid_title() -> None:
    worst_first = [
        "title:x",
        "CorpusID:1",
        S2,
        "W1",
        "10.1000/x",
        "2107.03312v2",
    ]
    for given_order in itertools.permutations(worst_first):
        assert ordered(given_order) == (
            "arxiv:2107.03312",
            "doi:10.1000/x",
            "openalex:W1",
            f"s2:{S2}",
            "corpusid:1",
            "title:x",
        )
    for cut in range(1, len(worst_first) + 1):
        assert work_id(worst_first[:cut]) == ordered(worst_first[:cut])[0] == normalise(worst_first[cut - 1])


def test_an_id_given_twice_counts_once() -> None:
    assert ordered(["2107.03312v1", "arXiv:2107.03312", "10.48550/arXiv.2107.03312"]) == ("arxiv:2107.03312",)


def test_a_work_without_ids_is_refused() -> None:
    with pytest.raises(InputError, match="at least one id"):
        work_id([])


@pytest.mark.parametrize(
    ("id", "month"),
    [
        ("2107.03312", "2021-07"),
        ("arxiv:0704.0001", "2007-04"),
        ("hep-th/9108001", "1991-08"),
        ("cs/0112017", "2001-12"),
        ("math/0703001", "2007-03"),
        ("9912.00001", "2099-12"),
    ],
)
def test_an_arxiv_id_tells_its_month(id: str, month: str) -> None:
    dated = date_from_arxiv_id(id)
    assert dated == PartialDate(month, "arxiv id")
    assert dated is not None
    assert dated.precision == "month"


def test_other_ids_tell_no_month() -> None:
    assert date_from_arxiv_id("10.1109/5.771073") is None
    assert date_from_arxiv_id("W1") is None


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("Neil Zeghidour", "name:neil-zeghidour"),
        ("Zeghidour, Neil", "name:neil-zeghidour"),
        ("  NEIL   zeghidour ", "name:neil-zeghidour"),
        ("J.-P. O'Neil", "name:j-p-oneil"),
        ("Zoë Ångström", "name:zoe-angstrom"),
        ("King, Jr.", "name:king-jr"),
        ("李宏毅", "name:李宏毅"),
    ],
)
def test_author_names_make_keys(name: str, id: str) -> None:
    assert author_id(name) == id


def test_a_name_without_letters_is_refused() -> None:
    with pytest.raises(InputError, match="no letters"):
        author_id("., -")


def test_text_digests_do_not_meet() -> None:
    texts = [None, "", "x", "y", "\x00", "\x01"]
    digests = {text_sha256(title, abstract) for title in texts for abstract in texts}
    assert len(digests) == len(texts) ** 2


def test_the_text_digest_is_fixed() -> None:
    """Stored verdicts name this digest: a change here would silently orphan all of them."""
    assert text_sha256("x", None) == "abf9b42516d24954c142dce1378a452d925e245cf0f1ab0bda989f936c4af6c2"


@given(st.text(), st.text(), st.integers(0, 20))
def test_moving_text_between_fields_changes_the_digest(title: str, abstract: str, cut: int) -> None:
    moved = title[:cut], title[cut:] + abstract
    assert (text_sha256(*moved) == text_sha256(title, abstract)) == (moved == (title, abstract))
