"""Colours that mean the same on every page, each with a second sign, as colour alone tells nobody enough.

Middle tones, so that one set reads on light and on dark ground (contrast at least 3:1 on both, except where an outline
helps); told apart under the three common colour deficiencies. Topics and edges after Okabe and Ito 2008.
"""

from __future__ import annotations

TOKEN_TYPES = {
    "semantic": "#b5569c",
    "acoustic": "#1f9d78",
    "hybrid": "#d3a92b",
    "none": "#8a9699",
    "unknown": "#8a9699",
}
SHAPES = {"semantic": "circle", "acoustic": "square", "hybrid": "diamond", "none": "ring", "unknown": "dashed"}
PATTERNS = {"semantic": "", "acoustic": "/", "hybrid": ".", "none": "", "unknown": "x"}
TOPICS = {"S1": "#2378b5", "S2": "#3aa6c9", "S3": "#d5661f", "S4": "#8f7350"}
CITES, CITED_BY, PATH = "#2b7bba", "#e07b1f", "#d0356b"
NEUTRAL = "#8a9699"
VALUES, MEDIAN, MEDIAN_BAND = "#2b7bba", "#d5661f", "rgba(213, 102, 31, 0.16)"
