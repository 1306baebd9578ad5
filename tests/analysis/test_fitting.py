"""The command that makes the weights, on a small labelled set made here and on the development labels."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from analysis.fitting import Counts, Fitter, figures, main, read_labelled, weights_text
from analysis.rulebook import FOLDER, load_rulebook
from analysis.screening import CRITERIA, Judge
from kg.errors import InputError
from kg.model import TOPICS

IN_TEXTS = [
    "We propose a neural audio codec with residual vector quantization number {n}; discrete tokens are decoded.",
    "We predict discrete speech units number {n} from HuBERT with a language model for speech translation.",
    "A survey {n}: we compare semantic tokens and acoustic tokens of several codecs at low bitrate, a trade-off.",
]
OUT_TEXTS = [
    "We train a conformer number {n} on mel features for speech recognition.",
    "We classify {n} urban sounds with a convolutional network on spectrograms.",
]


@pytest.fixture
def labelled(tmp_path: Path) -> tuple[Path, Path]:
    """Labels and texts of 60 made papers with every class in every column that is fitted."""
    rows, papers = [], []
    for number in range(60):
        inside = number % 2 == 0
        kind = (number // 2) % 3
        text = (IN_TEXTS[kind] if inside else OUT_TEXTS[number % 4 // 2]).format(n=number)
        row = dict.fromkeys((*CRITERIA, *TOPICS), "0")
        row |= {"arxiv_id": f"2401.{number:05d}", "include": str(int(inside)), "borderline": "0", "R2": "1"}
        row |= {"R1": row["include"], "X1": str(int(not inside)), "token_type": "none"}
        if inside:
            row |= {("A1", "B2", "B1")[kind]: "1", ("S1", "S3", "S4")[kind]: "1", "A2": str(int(kind == 2))}
            row |= {"S2": str(int(kind == 2)), "token_type": ("acoustic", "semantic", "hybrid")[kind]}
        rows.append(row)
        papers.append({"arxiv_id": row["arxiv_id"], "title": f"Paper {number}", "abstract": text})
    labels, texts = tmp_path / "labels.csv", tmp_path / "papers.jsonl"
    with labels.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    texts.write_text("".join(json.dumps(paper) + "\n" for paper in papers), encoding="utf-8")
    return labels, texts


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    """A copy of the shipped rules without weights."""
    return shutil.copytree(FOLDER, tmp_path / "lexicon", ignore=shutil.ignore_patterns("weights.json"))


def test_the_command_makes_the_same_bytes_twice_and_says_how_good_they_are(
    labelled: tuple[Path, Path], lexicon: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels, texts = labelled
    arguments = ["--labels", str(labels), "--texts", str(texts), "--lexicon", str(lexicon), "--folds", "3"]
    assert main(arguments) == 0
    first = (lexicon / "weights.json").read_bytes()
    shown = json.loads(capsys.readouterr().out)
    assert main(arguments) == 0
    assert (lexicon / "weights.json").read_bytes() == first
    assert shown["papers"] == 60
    assert shown["cross_validated"]["include"] > 0.9
    assert shown["resubstitution"]["token_type"] > 0.9


def test_weights_hold_numbers_and_feature_names_only(labelled: tuple[Path, Path], lexicon: Path) -> None:
    fitter = Fitter(load_rulebook(lexicon, {}), read_labelled(*labelled))
    content = json.loads(weights_text(fitter.fit(range(60))))
    names = set(fitter.rulebook.features.names)
    for tables in content["models"].values():
        for table in tables.values():
            assert set(table) == {"intercept", "weights"}
            assert set(table["weights"]) <= names
            assert all(isinstance(weight, float) for weight in table["weights"].values())


def test_the_version_changes_with_any_rule_file(lexicon: Path) -> None:
    shutil.copy(FOLDER / "weights.json", lexicon / "weights.json")
    assert load_rulebook(lexicon).version == Judge().rules
    with (lexicon / "rules.yaml").open("a", encoding="utf-8") as lines:
        lines.write("# changed\n")
    assert load_rulebook(lexicon).version != Judge().rules


def test_missing_weights_say_how_to_make_them(lexicon: Path) -> None:
    with pytest.raises(InputError, match=r"analysis\.fitting"):
        load_rulebook(lexicon)


def test_a_labelled_paper_without_text_is_named(labelled: tuple[Path, Path], tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="no text") as caught:
        read_labelled(labelled[0], empty)
    assert caught.value.value is not None
    assert "2401.00000" in caught.value.value


def test_unreadable_input_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "nowhere.csv")
    assert main(["--labels", missing, "--texts", missing]) == 2
    assert "nowhere.csv" in capsys.readouterr().err


def test_f1_counts_unclear_as_found_and_skips_open_cells(labelled: tuple[Path, Path]) -> None:
    counts = Counts()
    for gold, found in ((True, True), (True, False), (False, True), (False, False)):
        counts.add(gold, found)
    assert (counts.tp, counts.fp, counts.fn, counts.f1) == (1, 1, 1, 0.5)
    papers = read_labelled(*labelled)
    judge = Judge()
    judged = {paper.id: judge.judge(paper.title, paper.abstract) for paper in papers}
    opened = [type(paper)(paper.id, None, None, {**paper.row, "A1": "?"}) for paper in papers]
    assert figures(opened, judged)["A1"] == 0.0


@pytest.mark.realdata
def test_shipped_weights_are_those_that_the_command_makes(shared_data: Path) -> None:
    with (FOLDER / "weights.json").open(encoding="utf-8") as lines:
        shipped = json.load(lines)["models"]
    papers = read_labelled(shared_data / "labels_dev.csv", shared_data / "arxiv_audio.jsonl.gz")
    fitter = Fitter(load_rulebook(FOLDER, {}), papers)
    # Other-field negatives enter the first model only; without them the rest must come out the same.
    again = json.loads(weights_text(fitter.fit(range(len(papers)))))["models"]
    for name in shipped.keys() - {"include"}:
        for label, table in shipped[name].items():
            assert again[name][label]["intercept"] == pytest.approx(table["intercept"], abs=0.002)
            for feature, weight in table["weights"].items():
                assert again[name][label]["weights"].get(feature, 0.0) == pytest.approx(weight, abs=0.002)
