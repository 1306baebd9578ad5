"""Clusters: the same papers give the same groups, in whatever order they come."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from analysis.clusters import Clustering, cluster, label
from kg.errors import InputError

SUBJECTS = {
    "codec": "neural codec quantizer codebook bitrate waveform reconstruction decoder residual",
    "bird": "bird song species forest recording habitat season migration wildlife",
    "heart": "heart murmur stethoscope patient clinic diagnosis valve cardiac hospital",
}


def corpus(each: int = 12) -> tuple[list[str], list[str]]:
    ids, texts = [], []
    for subject, words in SUBJECTS.items():
        bag = words.split()
        for number in range(each):
            chosen = [bag[(number + step) % len(bag)] for step in range(6)]
            ids.append(f"{subject}-{number:02d}")
            texts.append(" ".join(chosen))
    return ids, texts


def groups(found: Clustering) -> set[frozenset[str]]:
    members: dict[int, set[str]] = {}
    for id, number in zip(found.ids, found.assignment.tolist(), strict=True):
        if number >= 0:
            members.setdefault(number, set()).add(id)
    return {frozenset(each) for each in members.values()}


def test_papers_about_one_thing_are_together_and_named_after_it() -> None:
    ids, texts = corpus()
    found = cluster(ids, texts, k=3)
    assert groups(found) == {frozenset(id for id in ids if id.startswith(subject)) for subject in SUBJECTS}
    for each in found.clusters:
        subject = found.ids[int(np.flatnonzero(found.assignment == each.number)[0])].split("-")[0]
        assert set(each.terms[0].split()) <= set(SUBJECTS[subject].split())
        assert each.label == ", ".join(each.terms[:3])
        assert each.size == 12
        assert each.run == found.run
        assert each.stability == 1.0
    assert found.stability == 1.0


def test_k_is_chosen_by_silhouette_when_not_given() -> None:
    ids, texts = corpus()
    assert len(cluster(ids, texts).clusters) == 3


def test_positions_lie_near_their_own_cluster() -> None:
    ids, texts = corpus()
    found = cluster(ids, texts, k=3)
    centres = np.stack([found.positions[found.assignment == number].mean(axis=0) for number in range(3)])
    nearest = np.linalg.norm(found.positions[:, None, :] - centres[None], axis=2).argmin(axis=1)
    assert (nearest == found.assignment).all()


@given(st.permutations(list(zip(*corpus(4), strict=True))))
@settings(max_examples=10, deadline=None)
def test_the_order_of_papers_changes_nothing(shuffled: list[tuple[str, str]]) -> None:
    plain = cluster(*corpus(4), k=3, seed=7)
    other = cluster([id for id, _ in shuffled], [text for _, text in shuffled], k=3, seed=7)
    assert other.ids == plain.ids
    assert other.run == plain.run
    assert other.clusters == plain.clusters
    np.testing.assert_array_equal(other.assignment, plain.assignment)
    np.testing.assert_array_equal(other.positions, plain.positions)


def test_clusters_are_numbered_by_size() -> None:
    ids, texts = corpus()
    kept = [at for at, id in enumerate(ids) if not (id.startswith("bird") and int(id[-2:]) > 3)]
    found = cluster([ids[at] for at in kept], [texts[at] for at in kept], k=3)
    sizes = [each.size for each in found.clusters]
    assert sizes == sorted(sizes, reverse=True)
    assert [each.number for each in found.clusters] == [0, 1, 2]


def test_papers_without_words_are_left_out() -> None:
    ids, texts = corpus(4)
    found = cluster([*ids, "no text", "empty", "signs"], [*texts, None, "", "?! 12 34"], k=3)
    bare = [found.ids.index(id) for id in ("no text", "empty", "signs")]
    assert found.assignment[bare].tolist() == [-1, -1, -1]
    assert np.isnan(found.positions[bare]).all()
    assert sum(each.size for each in found.clusters) == len(ids)


@pytest.mark.parametrize("texts", [[], [None], ["", " "]])
def test_nothing_to_read_gives_no_clusters(texts: list[str | None]) -> None:
    found = cluster([str(at) for at in range(len(texts))], texts)
    assert found.clusters == ()
    assert found.stability is None
    assert found.positions.shape == (len(texts), 2)


def test_fewer_papers_than_clusters() -> None:
    found = cluster(["a", "b"], ["codec quantizer", "bird song"], k=9)
    assert groups(found) == {frozenset("a"), frozenset("b")}


@pytest.mark.parametrize("k", [None, 1, 5])
def test_identical_texts_are_one_cluster(k: int | None) -> None:
    found = cluster(["a", "b", "c"], ["neural codec"] * 3, k=k)
    assert groups(found) == {frozenset("abc")}
    assert found.clusters[0].stability is None


def test_markup_left_in_an_abstract_is_no_word() -> None:
    found = cluster(["a", "b"], ["<mml:math xmlns='x'><mml:mi>codec</mml:mi></mml:math>", "<p>bird</p>"], k=2)
    assert {term for each in found.clusters for term in each.terms} == {"codec", "bird"}


def test_the_run_names_its_input() -> None:
    ids, texts = corpus(4)
    assert cluster(ids, texts, k=3).run == cluster(ids, texts, k=3).run
    assert cluster(ids, [*texts[:-1], "other words"], k=3).run != cluster(ids, texts, k=3).run
    assert cluster(ids, texts, k=3, seed=1).run != cluster(ids, texts, k=3).run


@pytest.mark.parametrize(
    ("ids", "texts", "k", "seed", "field"),
    [
        (["a"], [], None, 0, "texts"),
        (["a", "a"], ["x", "y"], None, 0, "ids"),
        (["a"], ["x"], 0, 0, "k"),
        (["a"], ["x"], None, -1, "seed"),
    ],
)
def test_bad_arguments_are_named(ids: list[str], texts: list[str | None], k: int | None, seed: int, field: str) -> None:
    with pytest.raises(InputError) as caught:
        cluster(ids, texts, k=k, seed=seed)
    assert caught.value.field == field


def test_labels_follow_the_formula_by_hand() -> None:
    # classes {"x x y"}, {"y z"}: mean length 2.5, frequencies x 2, y 2, z 1
    counter = CountVectorizer(token_pattern=r"\w")
    counts = counter.fit_transform(["x x y", "y z"])
    terms = counter.get_feature_names_out().tolist()
    assert terms == ["x", "y", "z"]
    # x: 2 ln(1 + 2.5/2) > y: 1 ln(1 + 2.5/2); z: ln(1 + 2.5/1) > y
    assert label(counts, terms, np.array([0, 1])) == [["x", "y"], ["z", "y"]]


def works(folder: Path) -> tuple[list[str], list[str]]:
    with gzip.open(folder / "openalex_works.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return (
        [work["openalex_id"] for work in found],
        [f"{work.get('title') or ''}\n{work.get('abstract') or ''}" for work in found],
    )


def assert_useful(found: Clustering) -> None:
    assert sum(each.size for each in found.clusters) >= 0.95 * len(found.ids)
    assert found.stability is not None
    assert found.stability > 0.3
    assert all(each.terms for each in found.clusters)


@pytest.mark.realdata
def test_real_papers_fall_into_named_clusters(shared_data: Path) -> None:
    ids, texts = works(shared_data)
    assert_useful(cluster(ids[:1000], texts[:1000], k=8))


@pytest.mark.realdata
@pytest.mark.long
def test_thousands_of_papers_take_seconds(shared_data: Path) -> None:
    ids, texts = works(shared_data)
    begun = time.monotonic()
    assert_useful(cluster(ids, texts))
    assert time.monotonic() - begun < 60  # about 6 s alone on two cores; the limit is for a busy machine
