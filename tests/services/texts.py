"""The words of the seeded world: titles, abstracts, venues and names, put together from sentences of our own.

Each paper draws whole numbers; the same numbers always give the same words. Papers of kind `TOKENS` are about discrete
audio tokens and the shipped protocol includes most of them; `AUDIO` are near misses; `OTHER` are other fields.
"""

from __future__ import annotations

from collections.abc import Sequence

TOKENS, AUDIO, OTHER = 0, 1, 2
CHOICES = 12
"""Whole numbers that a paper draws for its words."""

_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "tr")
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "ou")
_ENDS = ("", "n", "r", "s", "l", "x")

_TASKS = (
    "speech synthesis", "speech recognition", "voice conversion", "music generation", "speech translation",
    "speech continuation", "sound event description", "spoken question answering",
)  # fmt: skip
_DATA = ("read speech", "street recordings", "choir music", "telephone calls", "field recordings", "podcasts")
_QUANTIZERS = (
    "residual vector quantization", "finite scalar quantization", "grouped vector quantization",
    "product quantization", "k-means clustering of self-supervised features", "a single codebook",
)  # fmt: skip
_KBPS = ("0.5", "0.75", "1.1", "1.5", "2.2", "3", "6")
_RATES = ("12.5", "25", "40", "50", "75")
_TITLES = (
    (
        "{name}: a neural audio codec with {quantizer} for {task}",
        "{name}: discrete speech tokens at {rate} tokens per second",
        "Semantic and acoustic tokens in {name}, an audio language model for {task}",
        "{name}: low-bitrate audio tokenization for {task}",
        "How much do discrete audio tokens lose? {name} on {data}",
    ),
    (
        "{name}: continuous speech features for {task}",
        "{name}: an end-to-end network for {task} on {data}",
        "{name}: denoising {data} with a mask network",
        "{name}: speaker verification on {data}",
    ),
    (
        "{name}: graph colouring with bounded error",
        "{name}: crop yield seen from satellites",
        "{name}: scheduling of rail traffic under delays",
        "{name}: protein folding kinetics in {rate} states",
        "{name}: a proof system for parallel programs",
    ),
)
_OPENINGS = (
    (
        "We propose {name}, a neural audio codec that turns a waveform into discrete tokens with {quantizer}.",
        "{name} is a tokenizer that maps speech to a sequence of discrete units from a finite vocabulary.",
        "We study discrete audio tokens for {task} and present {name}, trained with {quantizer}.",
        "Language models over audio need a short sequence of symbols; {name} gives them discrete speech tokens.",
    ),
    (
        "{name} predicts mel spectrograms frame by frame for {task}.",
        "We train {name}, an attention network for {task}, on {data}.",
        "This paper looks at robustness in {task} and offers {name} as a remedy.",
    ),
    (
        "{name} solves a long open case of a combinatorial problem.",
        "We measure growth over twelve seasons and fit {name} to the observations.",
        "Delays spread through a network; {name} bounds how far.",
    ),
)
_MIDDLES = (
    (
        "It uses {books} codebooks of {size} entries at {rate} frames per second, which is {kbps} kbps.",
        "At {kbps} kbps the reconstruction is close to the input in listening tests on {data}.",
        "Semantic tokens are predicted first and acoustic tokens follow.",
    ),
    (
        "The model has {books} layers and sees {size} hours of {data}.",
        "Features are normalised per utterance before training.",
    ),
    (
        "The bound holds for every instance with at most {size} vertices.",
        "The fit explains most of the variance in {size} plots.",
    ),
)
_ENDINGS = (
    (
        "Experiments on {data} show that an audio language model trained on these tokens improves {task}.",
        "We compare the tokens with earlier codecs and report word error rate and listening scores.",
        "Code and checkpoints at 16 kHz and 24 kHz are released.",
    ),
    ("Experiments on {data} show lower error than a strong baseline.", "An ablation shows where the gain comes from."),
    ("We close with open questions.", "Data and scripts are available."),
)
VENUES = (
    "", "Workshop on Sound and Symbols", "Conference on Spoken Machines", "Journal of Audible Systems",
    "Transactions on Quiet Signals", "Symposium on Learned Representations", "Letters in Applied Listening",
)  # fmt: skip
CATEGORIES = (("eess.AS", "cs.SD", "cs.CL"), ("eess.AS", "cs.SD", "cs.LG"), ("cs.DS", "q-bio.PE", "math.CO"))
_GIVEN = (
    "Ada", "Bodil", "Chen", "Dára", "Emil", "Fatima", "Göran", "Hana", "Ivo", "Jūratė", "Kofi", "Li", "María",
    "Noor", "Óscar", "Priya", "Quang", "Renée", "Søren", "Tomás", "Uma", "Wei", "Yuki", "Zoë",
)  # fmt: skip
_CONTEXTS = (
    "We start from the tokens of {name}.", "Unlike {name}, ours needs one codebook.",
    "The same trend was seen for {name}.", "For training we follow {name}.",
)  # fmt: skip
INTENTS = ("background", "methodology", "result")


def coined(number: int) -> str:
    """A made-up name, another one for every number."""
    syllables = []
    left = number + 1
    while left:
        left, part = divmod(left, len(_ONSETS) * len(_VOWELS))
        syllables.append(_ONSETS[part % len(_ONSETS)] + _VOWELS[part // len(_ONSETS)])
    if len(syllables) == 1:
        syllables.append("no")
    return ("".join(syllables) + _ENDS[number % len(_ENDS)]).capitalize()


def author(number: int) -> str:
    """The full name of an author."""
    return f"{_GIVEN[number % len(_GIVEN)]} {coined(number * 7 + 3)}"


def title(number: int, kind: int, drawn: Sequence[int]) -> str:
    """The title of a paper; two papers never share one."""
    return _pick(_TITLES[kind], drawn[0]).format(**_words(number, drawn))


def abstract(number: int, kind: int, drawn: Sequence[int]) -> str:
    """Four sentences or so."""
    parts = [
        _pick(_OPENINGS[kind], drawn[1]), _pick(_MIDDLES[kind], drawn[2]), _pick(_MIDDLES[kind], drawn[2] + 1),
        _pick(_ENDINGS[kind], drawn[3]),
    ]  # fmt: skip
    return " ".join(parts).format(**_words(number, drawn))


def context(citing: int, cited: int, which: int) -> str:
    """A sentence in which one paper speaks of another."""
    return _pick(_CONTEXTS, citing + cited + which).format(name=coined(cited))


def summary(kind: int, drawn: Sequence[int]) -> str:
    """One sentence on what a paper does (TLDR)."""
    words = ("A tokenizer for {task}.", "A model for {task}.", "A result with a bound.")
    return words[kind].format(task=_pick(_TASKS, drawn[4]))


def venue(drawn: Sequence[int]) -> str:
    """Where a published paper appeared, empty when its source does not say."""
    return _pick(VENUES, drawn[10])


def _words(number: int, drawn: Sequence[int]) -> dict[str, str]:
    return {
        "name": coined(number),
        "task": _pick(_TASKS, drawn[4]),
        "data": _pick(_DATA, drawn[5]),
        "quantizer": _pick(_QUANTIZERS, drawn[6]),
        "kbps": _pick(_KBPS, drawn[7]),
        "rate": _pick(_RATES, drawn[8]),
        "books": str(1 + drawn[9] % 8),
        "size": str(2 ** (8 + drawn[9] % 5)),
    }


def _pick(of: Sequence[str], number: int) -> str:
    return of[number % len(of)]
