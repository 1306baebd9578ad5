"""Colours that mean the same on every page, each with a second sign, as colour alone tells nobody enough.

Middle tones, so that one set reads on light and on dark ground: contrast at least 2.9:1 on either, tested. Told apart
under the three common colour deficiencies. Topics and edges after Okabe and Ito 2008.
"""

from __future__ import annotations

TOKEN_TYPES = {
    "semantic": "#a9478f",
    "acoustic": "#24a27e",
    "hybrid": "#b98f14",
    "none": "#8a9699",
    "unknown": "#8a9699",
}
SHAPES = {"semantic": "circle", "acoustic": "square", "hybrid": "diamond", "none": "ring", "unknown": "dashed"}
PATTERNS = {"semantic": "", "acoustic": "/", "hybrid": ".", "none": "", "unknown": "x"}
TOPICS = {"S1": "#1f6fae", "S2": "#2f9dc4", "S3": "#d5661f", "S4": "#8f7350"}
CITES, CITED_BY, PATH = "#2b7bba", "#dc7518", "#d0356b"
NEUTRAL = "#8a9699"
VALUES, MEDIAN, MEDIAN_BAND = "#2b7bba", "#d5661f", "rgba(213, 102, 31, 0.16)"
