"""Groups of papers that use the same words: TF-IDF, LSA, k-means, with terms as labels and a stability figure.

The same papers give the same clusters: input is sorted by id, every random choice takes `seed`, and clusters are
numbered by size. A paper without text is left out (-1), never put in a cluster of leftovers. Four steps, each its own
function: weigh, reduce, group, label.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kg.errors import InputError
from kg.model import Cluster

METHOD = "lsa-1"
DIMENSIONS = 100
TERMS = 8
OTHER_SEEDS = 4
_SMALL = 50
_SAMPLE = 2000
# words of every abstract, which say nothing of what a paper is about
_FILLER = """
    paper propose proposed method methods approach approaches based results result show shows model models
    experiments experimental performance state art state-of-the-art achieve achieves using use used novel
    demonstrate introduce framework existing task tasks present presents work study evaluation outperforms different
    various significantly improve improves however additionally https com github available code github.io training
    trained data datasets dataset recent new high low quality system systems
"""
_WORD = r"(?u)\b[^\W\d][\w+.-]*\w\b"
_TAG = re.compile(r"<[^<>]{1,300}>")

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Clustering:
    """One clustering run.

    `ids` is sorted; `assignment` (n,) holds a cluster's number or -1 for a paper without words; `positions` (n, 2)
    places it on a map (NaN where unassigned); `clusters` is in order of number. `run` names method, k, seed and a
    digest of the texts, so equal names mean equal input. `stability` is the mean adjusted Rand index against runs
    with other seeds, `None` where there is nothing to compare.
    """

    ids: tuple[str, ...]
    assignment: IntArray
    clusters: tuple[Cluster, ...]
    run: str
    positions: FloatArray
    stability: float | None


def cluster(ids: Sequence[str], texts: Sequence[str | None], *, k: int | None = None, seed: int = 0) -> Clustering:
    """Cluster papers by their words.

    Args:
        ids: shape (n,), distinct; their order does not matter.
        texts: shape (n,), the text of each; `None` or a text without words leaves the paper unassigned.
        k: number of clusters; `None` takes the best silhouette over a small range. Fewer distinct texts give fewer.
        seed: of the reduction and of k-means.

    Returns:
        A `Clustering`; no clusters when no text has a word.

    Raises:
        InputError: lengths differ, an id comes twice, or k or the seed is out of range.
    """
    # comes with scikit-learn: one thread adds in one order on every machine, and does not spin beside other work
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    if len(ids) != len(texts):
        raise InputError(
            "ids and texts differ in length", field="texts", value=len(texts), expected=f"{len(ids)} texts"
        )
    if len(set(ids)) != len(ids):
        raise InputError("an id comes twice", field="ids", expected="distinct ids")
    if k is not None and k < 1:
        raise InputError("the number of clusters is out of range", field="k", value=k, expected="1 or more, or none")
    if not 0 <= seed < 2**31:
        raise InputError("the seed is out of range", field="seed", value=seed, expected="0 to 2147483647")
    order = sorted(range(len(ids)), key=lambda at: ids[at])
    with threadpool_limits(limits=1):
        return _cluster(tuple(ids[at] for at in order), [texts[at] or "" for at in order], k, seed)


def _cluster(ids: tuple[str, ...], texts: list[str], k: int | None, seed: int) -> Clustering:
    counts, terms, known = weigh(texts)
    assignment = np.full(len(ids), -1, dtype=np.int64)
    positions = np.full((len(ids), 2), np.nan)
    if not len(known):
        return Clustering(ids, assignment, (), f"{METHOD}.k0.s{seed}.{_digest(ids, texts)}", positions, None)
    points = reduce(counts, seed)
    groups = group(points, k, seed)
    run = f"{METHOD}.k{groups.max() + 1}.s{seed}.{_digest(ids, texts)}"
    agreement, overlaps = _stability(points, groups, seed)
    found = tuple(
        Cluster(run, number, ", ".join(best[:3]), tuple(best), int((groups == number).sum()), overlaps[number])
        for number, best in enumerate(label(counts, terms, groups))
    )
    assignment[known] = groups
    positions[known] = _plane(points)
    return Clustering(ids, assignment, found, run, positions, agreement)


def weigh(texts: Sequence[str]) -> tuple[Any, list[str], IntArray]:
    """Term counts of the texts that have any: words and pairs of words, English stop words left out.

    Returns:
        A CSR matrix (m, t) of counts, the t terms, and the m rows of `texts` it describes.
    """
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    reader = CountVectorizer(
        stop_words=sorted(ENGLISH_STOP_WORDS.union(_FILLER.split())),
        ngram_range=(1, 2),
        token_pattern=_WORD,
    )
    read = reader.build_analyzer()
    # some sources leave MathML and other markup in abstracts
    words = [read(_TAG.sub(" ", text)) for text in texts]
    known = np.flatnonzero([bool(each) for each in words]).astype(np.int64)
    if not len(known):
        return None, [], known
    counter = CountVectorizer(analyzer=_as_is)
    counts = counter.fit_transform([words[at] for at in known])
    terms = np.asarray(counter.get_feature_names_out())
    if len(known) >= _SMALL:
        # a term of one paper joins nothing, a term of most papers separates nothing
        papers = np.bincount(counts.indices, minlength=counts.shape[1])
        kept = np.flatnonzero((papers >= 3) & (papers <= 0.4 * len(known)))
        with_terms = np.flatnonzero(np.diff(counts[:, kept].tocsr().indptr) > 0)
        if len(with_terms) >= _SMALL:
            counts, terms, known = counts[:, kept].tocsr()[with_terms], terms[kept], known[with_terms]
    return counts, [str(term) for term in terms], known


def reduce(counts: Any, seed: int) -> FloatArray:
    """Latent semantic analysis of the weighted counts: unit vectors of at most `DIMENSIONS` dimensions.

    Args:
        counts: CSR matrix (m, t) of term counts, no empty row.
        seed: of the randomised decomposition.

    Returns:
        Shape (m, d). Weights are (1 + ln tf) x (1 + ln((1 + m) / (1 + df))), rows of unit length.

    References:
        Deerwester et al. 1990, Indexing by latent semantic analysis, JASIS 41(6); weights as in scikit-learn's
        TfidfTransformer(sublinear_tf=True).
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.preprocessing import normalize
    from sklearn.utils.extmath import randomized_svd

    weights = TfidfTransformer(sublinear_tf=True).fit_transform(counts)
    rank = min(DIMENSIONS, *weights.shape)
    left, scale, _ = randomized_svd(weights, n_components=rank, random_state=seed)
    vectors: FloatArray = normalize(left * scale)
    return vectors


def group(points: FloatArray, k: int | None, seed: int) -> IntArray:
    """Cluster number of each point, largest cluster first, ties by first member.

    Args:
        points: shape (m, d).
        k: wanted number; never more than there are distinct points. `None`: best silhouette.
        seed: of k-means.
    """
    distinct = len(np.unique(points.round(9), axis=0))
    if k is None:
        k = _best_k(points, distinct, seed)
    return _by_size(_kmeans(points, min(k, distinct), seed, starts=5))


def label(counts: Any, terms: Sequence[str], groups: IntArray) -> list[list[str]]:
    """The terms that set each cluster apart, best first, at most `TERMS`.

    c-TF-IDF: tf(term, class) x ln(1 + mean class length / frequency(term)); the mean stays a float. A word is left
    out when a pair of words already listed holds it.

    References:
        Grootendorst 2022, BERTopic: Neural topic modeling with a class-based TF-IDF procedure, arXiv 2203.05794.
    """
    from scipy.sparse import csr_matrix

    number = int(groups.max()) + 1
    members = csr_matrix((np.ones(len(groups)), (groups, np.arange(len(groups)))), shape=(number, len(groups)))
    per_class = np.asarray((members @ counts).todense(), dtype=np.float64)
    frequency = per_class.sum(axis=0)
    scores = per_class * np.log1p(per_class.sum() / number / np.maximum(frequency, 1))
    names = np.asarray(terms)
    chosen: list[list[str]] = []
    for row in scores:
        best: list[str] = []
        for at in np.lexsort((names, -row))[: 6 * TERMS]:
            if row[at] <= 0 or len(best) == TERMS:
                break
            term = str(names[at])
            if not any(set(term.split()) & set(other.split()) for other in best):
                best.append(term)
        chosen.append(best)
    return chosen


def _as_is(words: list[str]) -> list[str]:
    return words


def _digest(ids: Sequence[str], texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for part in (*ids, *texts):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()[:12]


def _kmeans(points: FloatArray, k: int, seed: int, *, starts: int) -> IntArray:
    from sklearn.cluster import KMeans

    if k <= 1:
        return np.zeros(len(points), dtype=np.int64)
    found: IntArray = KMeans(n_clusters=k, n_init=starts, random_state=seed).fit_predict(points).astype(np.int64)
    return found


def _best_k(points: FloatArray, distinct: int, seed: int) -> int:
    from sklearn.metrics import silhouette_score

    wanted = range(8, 25, 4) if distinct >= 10 * _SMALL else range(2, 9)
    candidates = [k for k in wanted if k < distinct]
    if not candidates:
        return 1
    sample = min(_SAMPLE, len(points))
    best = (-2.0, 0)
    for k in candidates:
        groups = _kmeans(points, k, seed, starts=2)
        score = float(silhouette_score(points, groups, sample_size=sample, random_state=seed))
        best = max(best, (score, -k))
    return -best[1]


def _by_size(groups: IntArray) -> IntArray:
    _, first, inverse, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return rank[inverse]


def _stability(points: FloatArray, groups: IntArray, seed: int) -> tuple[float | None, list[float | None]]:
    """Mean adjusted Rand index against other seeds, and each cluster's mean best Jaccard overlap with theirs."""
    from sklearn.metrics import adjusted_rand_score

    k = int(groups.max()) + 1
    if k < 2:
        return None, [None] * k
    agreements: list[float] = []
    overlaps = np.zeros(k)
    sizes = np.bincount(groups, minlength=k)
    for other in range(1, OTHER_SEEDS + 1):
        others = _kmeans(points, k, (seed + other) % 2**31, starts=1)
        agreements.append(float(adjusted_rand_score(groups, others)))
        shared = np.zeros((k, k))
        np.add.at(shared, (groups, others), 1)
        union = sizes[:, None] + shared.sum(axis=0)[None, :] - shared
        overlaps += (shared / np.maximum(union, 1)).max(axis=1) / OTHER_SEEDS
    return round(float(np.mean(agreements)), 4), [round(float(overlap), 4) for overlap in overlaps]


def _plane(points: FloatArray) -> FloatArray:
    """The two directions of largest spread; signs fixed so that the largest loading is positive."""
    centred = points - points.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    axes = axes[:2]
    axes = axes * np.where(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
    flat: FloatArray = np.zeros((len(points), 2))
    flat[:, : len(axes)] = centred @ axes.T
    return flat
