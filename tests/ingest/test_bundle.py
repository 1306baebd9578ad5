"""A bundle carries a store's facts and verdicts without its texts, and loading it never takes anything away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.bundle import load_bundle
from kg.errors import InputError
from kg.exchange.bundle import FILES, TERM_SHOWN, Manifest, read_batches, read_manifest, write_bundle
from kg.model import Batch, Citation, Decision, Fetch, Found, Paper, Vector
from kg.paper_filter import PaperFilter
from kg.store import GraphStore, open_store
from tests.ui.world import AUDIOLM, CODEC, HYBRID, STUB, UNDATED, fill

EVERYTHING = PaperFilter(include=())


def clock() -> str:
    return "2026-02-03T04:05:06+00:00"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"sqlite:///{tmp_path}/world.sqlite") as store:
        fill(store)
        yield store


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[GraphStore]:
    with open_store(f"sqlite:///{tmp_path}/fresh.sqlite") as store:
        yield store


def bundle(store: GraphStore, folder: Path, ids: list[str] | None = None) -> Manifest:
    chosen = store.ids(EVERYTHING) if ids is None else ids
    return write_bundle(store, folder, chosen, built="2026-02-03", protocol="test@1", made_from=[{"file": "x"}])


def test_loading_a_bundle_gives_the_same_papers_verdicts_and_numbers(world, fresh, tmp_path) -> None:
    bundle(world, tmp_path / "b")
    load_bundle(fresh, tmp_path / "b", update=False, clock=clock)
    assert fresh.ids(EVERYTHING) == world.ids(EVERYTHING)
    for id in world.ids(EVERYTHING):
        before, after = world.paper(id), fresh.paper(id)
        assert after.row == replace(before.row, references=after.row.references), id
        assert after.paper == replace(before.paper, abstract=None, provenance=after.paper.provenance), id
        assert after.judgement == before.judgement, id
        assert after.measured == before.measured, id
        assert [s.source for s in after.sources] == [s.source for s in before.sources], id
    assert fresh.table("citations").num_rows == world.table("citations").num_rows
    assert fresh.facets(EVERYTHING) == world.facets(EVERYTHING)
    assert fresh.clusters() == world.clusters()


def test_no_abstract_and_no_id_of_unknown_works_leave_the_store(world, tmp_path) -> None:
    bundle(world, tmp_path / "b")
    assert "abstract" not in pq.read_schema(tmp_path / "b" / "papers.parquet").names
    written = b"".join((tmp_path / "b" / name).read_bytes() for name in FILES)
    assert b"residual vector quantization. It runs" not in written
    ids = pq.read_table(tmp_path / "b" / "papers.parquet")["id"].to_pylist()
    assert STUB not in ids


def test_no_sentence_that_cites_and_nothing_of_fetching_leaves_the_store(world, fresh, tmp_path) -> None:
    bundle(world, tmp_path / "before")
    sentence = "Nobody but the reader of this store shall see this sentence."
    world.upsert(
        Batch(
            citations=(Citation(AUDIOLM, CODEC, "s2", contexts=(sentence,)),),
            fetches=(Fetch(CODEC, "s2", "references", "truncated", 1, 2, clock()),),
            found=(Found(CODEC, "query", "s2", sentence, clock()),),
            vectors={CODEC: Vector("specter_v2", (0.5,))},
        )
    )
    bundle(world, tmp_path / "after")
    for name in FILES:
        table = pq.read_table(tmp_path / "after" / name)
        assert table.schema == pq.read_schema(tmp_path / "before" / name)
        assert sentence not in str(table.to_pylist())
    load_bundle(fresh, tmp_path / "after", update=False, clock=clock)
    assert [fresh.table(name).num_rows for name in ("fetches", "found", "vectors", "changes")] == [0, 0, 0, 0]
    links = fresh.neighbourhood([CODEC], where=EVERYTHING).links
    assert links
    assert {link.contexts for link in links} == {None}


def test_a_term_longer_than_a_term_may_be_is_left_out(world, tmp_path) -> None:
    judgement = world.paper(CODEC).judgement
    assert judgement is not None
    first = judgement.verdicts[0]
    long = replace(first.evidence[0], text="x" * (TERM_SHOWN + 1))
    changed = replace(judgement, rules="test-2", verdicts=(replace(first, evidence=(*first.evidence, long)),))
    world.upsert(Batch(judgements={CODEC: changed}))
    bundle(world, tmp_path / "b")
    rows = {row["paper"]: row for row in pq.read_table(tmp_path / "b" / "judgements.parquet").to_pylist()}
    assert [span["text"] for span in rows[CODEC]["verdicts"][0]["evidence"]] == [s.text for s in first.evidence]


def test_the_same_store_gives_the_same_bytes(world, tmp_path) -> None:
    one = bundle(world, tmp_path / "one")
    other = bundle(world, tmp_path / "other", list(reversed(world.ids(EVERYTHING))))
    assert one == other
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_loading_twice_changes_nothing(world, fresh, tmp_path) -> None:
    bundle(world, tmp_path / "b")
    load_bundle(fresh, tmp_path / "b", update=True, clock=clock)
    revision = fresh.revision()
    again = load_bundle(fresh, tmp_path / "b", update=True, clock=clock)
    assert again.up_to_date
    assert fresh.revision() == revision


def test_a_load_that_was_stopped_goes_on(world, fresh, tmp_path) -> None:
    bundle(world, tmp_path / "b")
    stopped = load_bundle(fresh, tmp_path / "b", update=False, clock=clock, stop=lambda: True)
    assert stopped.stopped
    assert fresh.table("citations").num_rows == 0
    assert not load_bundle(fresh, tmp_path / "b", update=False, clock=clock).stopped
    assert fresh.table("citations").num_rows == world.table("citations").num_rows


def test_a_newer_bundle_keeps_what_a_person_did_and_text_that_was_fetched(world, fresh, tmp_path) -> None:
    bundle(world, tmp_path / "old", [AUDIOLM, CODEC])
    load_bundle(fresh, tmp_path / "old", update=False, clock=clock)
    abstract = world.paper(CODEC).paper.abstract
    fresh.upsert(
        Batch(
            papers=(
                Paper(ids=(CODEC,), title="Ripple: a neural codec for speech tokens", abstract=abstract, source="mine"),
            )
        )
    )
    fresh.upsert(Batch(papers=(Paper(ids=("doi:10.1000/other",), title="Ripple again", source="mine"),)))
    fresh.decide(Decision(AUDIOLM, "include", "exclude", "me", "not for my survey", clock()))
    fresh.add_to_list("mine", [CODEC])
    fresh.merge(CODEC, "doi:10.1000/other", "the journal version")

    bundle(world, tmp_path / "new")
    load_bundle(fresh, tmp_path / "new", update=True, clock=clock)

    assert fresh.paper(AUDIOLM).row.include == "exclude"
    assert fresh.paper("doi:10.1000/other").row.id == CODEC
    assert fresh.paper(CODEC).paper.abstract == abstract
    assert fresh.reading_lists()["mine"] == 1
    assert set(world.ids(EVERYTHING)) <= set(fresh.ids(EVERYTHING))
    assert fresh.paper(HYBRID).row.include == "include"


def test_a_store_with_papers_is_only_merged_when_told_so(world, fresh, tmp_path) -> None:
    bundle(world, tmp_path / "b")
    fresh.upsert(Batch(papers=(Paper(ids=("arxiv:2001.00001",), title="Mine", source="mine"),)))
    with pytest.raises(InputError, match="already has 1 papers") as refused:
        load_bundle(fresh, tmp_path / "b", update=False, clock=clock)
    assert "--update" in refused.value.hint
    load_bundle(fresh, tmp_path / "b", update=True, clock=clock)
    assert fresh.paper("arxiv:2001.00001").row.title == "Mine"


def test_a_missing_date_stays_unknown(world, fresh, tmp_path) -> None:
    bundle(world, tmp_path / "b")
    load_bundle(fresh, tmp_path / "b", update=False, clock=clock)
    assert fresh.paper(UNDATED).row.year is None
    assert fresh.paper(UNDATED).paper.authors is None


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), "no bundle"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text('{"a": 1}'), "cannot be read"),
        (lambda folder: _set(folder, format=99), "format 99"),
        (lambda folder: _set(folder, counts={}), "does not say how many"),
    ],
)
def test_a_spoilt_manifest_is_named(world, tmp_path, spoil, says) -> None:
    bundle(world, tmp_path / "b")
    spoil(tmp_path / "b")
    with pytest.raises(InputError, match=says) as refused:
        read_manifest(tmp_path / "b")
    assert str(tmp_path / "b") in refused.value.where
    assert refused.value.hint


def test_a_damaged_data_file_is_named(world, tmp_path) -> None:
    bundle(world, tmp_path / "b")
    (tmp_path / "b" / "papers.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError) as refused:
        list(read_batches(tmp_path / "b"))
    assert "papers.parquet" in refused.value.where


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_the_manifests_is_noticed_before_anything_is_written(world, fresh, tmp_path, name) -> None:
    bundle(world, tmp_path / "whole")
    bundle(world, tmp_path / "b")
    bundle(world, tmp_path / "other", [AUDIOLM])
    (tmp_path / "b" / name).write_bytes((tmp_path / "other" / name).read_bytes() + b" ")
    with pytest.raises(InputError, match="not those that its manifest"):
        load_bundle(fresh, tmp_path / "b", update=False, clock=clock)
    (tmp_path / "b" / name).unlink()
    with pytest.raises(InputError) as refused:
        load_bundle(fresh, tmp_path / "b", update=False, clock=clock)
    assert name in refused.value.where
    assert fresh.counts().papers == 0
    assert fresh.revision() == 0


def test_an_older_bundle_does_not_go_over_a_newer_one(world, fresh, tmp_path) -> None:
    bundle(world, tmp_path / "new")
    write_bundle(world, tmp_path / "old", [AUDIOLM], built="2025-01-01", protocol="test@1", made_from=[])
    load_bundle(fresh, tmp_path / "new", update=True, clock=clock)
    revision = fresh.revision()
    assert load_bundle(fresh, tmp_path / "old", update=True, clock=clock).up_to_date
    assert fresh.revision() == revision


def _set(folder: Path, **fields: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | fields))
