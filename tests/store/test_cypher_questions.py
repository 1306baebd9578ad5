"""The questions of docs/neo4j.md, asked as they stand there, over a small graph whose answers are known."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from neo4j import Driver, GraphDatabase

from kg.model import Batch, Citation, Decision
from kg.store import open_store
from tests.conftest import ROOT, EmptyStore
from tests.neo4j_server.server import Server
from tests.store.records import TIME, judgement, measured, paper

pytestmark = pytest.mark.neo4j

QUESTIONS = re.findall(r"```cypher\n(.*?)```", (ROOT / "docs" / "neo4j.md").read_text(encoding="utf-8"), re.DOTALL)

SEMANTIC, CODEC, LM, LATER, AUDIOLM, STREAM = (
    "arxiv:2301.00001", "arxiv:2301.00002", "arxiv:2401.00003", "arxiv:2501.00004", "arxiv:2209.03143",
    "arxiv:2107.03312",
)  # fmt: skip
MISSING = "doi:10.1000/missing"
PAIRS = [
    (LM, SEMANTIC), (LATER, SEMANTIC), (LM, CODEC), (LATER, CODEC), (CODEC, MISSING), (AUDIOLM, CODEC), (CODEC, STREAM),
    (STREAM, MISSING),
]  # fmt: skip


@pytest.fixture(scope="module")
def graph(neo4j_server: Server, empty_store: EmptyStore) -> Iterator[Driver]:
    with open_store(empty_store("neo4j")) as store:
        store.upsert(
            Batch(
                papers=(
                    paper(SEMANTIC, title="Meaning in tokens", authors=("Ann B",)),
                    paper(CODEC, title="A small codec", authors=("Ann B", "Cy D")),
                    paper(LM, title="Speaking"),
                    paper(LATER, title="Speaking more"),
                    paper(AUDIOLM, title="Audio as language"),
                    paper(STREAM, title="A stream of codes"),
                ),
                citations=tuple(Citation(citing, cited, "lists") for citing, cited in PAIRS),
                judgements={
                    SEMANTIC: judgement(topics=("S2",), token_type="semantic", quantizers=("kmeans",)),
                    CODEC: judgement(topics=("S1", "S2"), criteria=(("A2", "met"),), quantizers=("RVQ", "VQ")),
                    LM: judgement(topics=("S3",)),
                    LATER: judgement(topics=("S3",)),
                    AUDIOLM: judgement("unclear", criteria=(("R1", "met"), ("B1", "unclear"))),
                    STREAM: judgement("exclude", topics=("S1",)),
                },
                measured={CODEC: measured(6.0, 0.75), SEMANTIC: measured(0.5)},
            )
        )
        store.decide(Decision(AUDIOLM, "B1", "met", "Ann", "read it", TIME))
    with GraphDatabase.driver(neo4j_server.url, auth=(neo4j_server.user, neo4j_server.password)) as driver:
        yield driver


SPAN = json.dumps([["title", 0, 2, "On"]], separators=(",", ":"))
ANSWERS = (
    [[SEMANTIC, "Meaning in tokens", 2]],
    [[CODEC, "A small codec", 0.75]],
    [["B1", "unclear", "met", "said so", SPAN], ["R1", "met", None, "said so", SPAN]],
    [[MISSING, 1]],
    [[SEMANTIC, CODEC, 2]],
    [[[AUDIOLM, CODEC, STREAM]]],
    [[2023, "RVQ", 1], [2023, "VQ", 1], [2023, "kmeans", 1]],
    [["Ann B", 2, 2023, 2023], ["Cy D", 1, 2023, 2023]],
)


def test_there_are_eight_questions() -> None:
    assert len(QUESTIONS) == len(ANSWERS) == 8


@pytest.mark.parametrize(("question", "expected"), list(zip(QUESTIONS, ANSWERS, strict=True)), ids=range(1, 9))
def test_a_question_has_its_answer(graph: Driver, question: str, expected: list[list[object]]) -> None:
    found = graph.execute_query(question, database_="neo4j").records
    assert [each.values() for each in found] == expected
