"""Texts that a person might type into the search box, and worse."""

from __future__ import annotations

from hypothesis import strategies as st

pieces = st.sampled_from(
    ["codec", "wav2vec", "1.5", "don't", "語音", "OR", "-", '"', "*", " ", "vq_", "naïve", "to speech", "(", ")", "AND",
     "NOT", "NEAR", "^", ":", "{", "+", "'", ";", "\\", "%", "search_text", "\x00", "¶", "\ud800", "é"]
)  # fmt: skip
queries = st.one_of(
    st.text(max_size=30), st.lists(pieces, max_size=8).map("".join), st.lists(pieces, max_size=8).map(" ".join)
)
