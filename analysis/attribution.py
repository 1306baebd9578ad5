"""Whose number it is: the paper's own system, one it is compared with, or what the field generally does.

A value belongs to a named system when the name stands right beside it ("Opus at 12 kbps", "TF-Codec (16 kHz)").
Without a name, a comparison word earlier in the same clause makes it compared, a sentence about what others do makes
it context, and everything else is the paper's own.
"""

from __future__ import annotations

import re
from functools import lru_cache

from kg.model import Role

_TITLE_NAME = re.compile(r"\s*([A-Za-z][\w.+-]*(?:[ -][A-Z0-9][\w.+-]*){0,2})\s*:")
_PRESENTED = re.compile(
    r"(?:(?i:we|paper|work|study|report|article)\s(?:(?i:then|also|further|here|therefore|thus|first)\s)?"
    r"(?i:propose|proposes|present|presents|introduce|introduces|describe|describes|develop|release|train)"
    r"|(?i:called|named|dubbed|termed|namely)|(?i:the proposed))"
    r"[\s,]{1,2}(?P<name>[A-Z][\w.+-]*(?:[ -][A-Z0-9][\w.+-]*){0,2})"
)
_NAME = (
    r"(?<![\w-])(?:[A-Z][\w.+]*(?:-[\w.+]+)*|[a-z]+[A-Z][\w.+-]*)"
    r"(?:\s(?:[A-Z][\w.+-]*|[vV]?\d(?:\.\d)?(?![\w.])))?"
)
_BESIDE = re.compile(
    rf"(?P<name>{_NAME})(?:\s\([A-Z][\w-]*\))?(?:\s(?:codec|model|baseline|tokens?|tokenizer))?"
    r"(?:,?\s(?:operating|running|works?|operates|achieves?|with a bitrate of|with a latency of|with|uses?|"
    r"encodes \w+))?"
    r"[\s-]?(?:at|\(|with|in|of)?\s?(?:a (?:rate|bitrate|frame rate|bit rate) of\s)?(?:only|just|about|around|"
    r"approximately|under)?\s?$"
)
_FOLLOWS = re.compile(rf"\s{{1,2}}(?P<name>{_NAME})(?=[\s,.;)]|$)")
_COMPARISON = re.compile(
    r"(?i)\b(?:than|compared (?:to|with|against)|outperform\w*|surpass\w*|exceed\w*|approach(?:es|ing)|"
    r"comparable (?:\w+ )?(?:to|with|against)|"
    r"versus|vs\.?|baselines?|match(?:es|ing)|similar to|as good as|on par with|over|against|relative to|beat\w*|"
    r"equivalent to|competing|counterparts?|competitive with)\b"
)
_OWN_AGAIN = re.compile(
    r"(?i)\b(?:while|whereas|although|but|with only|using only|requires? only|requiring only|only|ours?|we|proposed|"
    r"even (?:at|with|when|under)|as low as|when (?:operating|trained))\b"
)
_AMOUNT = re.compile(r"(?i)\b(?:than|over)\s{1,2}(?:(?:about|around|approximately|roughly|only|just)\s)?$")
_OTHERS = re.compile(
    r"(?i)\b(?:existing|previous|prior|conventional|traditional(?:ly)?|current(?:ly)?|recent(?:ly)?|typically|"
    r"commonly|often|usually|"
    r"most|standard|many|widely[\s-]used|legacy|large-scale codecs|popular)\b"
)
_OURS = re.compile(
    r"(?i)\b(?:we|our|ours|this (?:paper|work|study|letter|article|report)|proposed|the resulting|experiments? show|"
    r"results? show)\b"
)
_TOKEN = re.compile(r"(?<![\w-])[A-Z][\w.-]{2,30}")
_NOT_NAMES = """
    The A An In At On With For From By To And Or Of Our We This These It Its Using Both Each When While Experiments
    Results Experimental Specifically Moreover Furthermore Finally Additionally However Notably Subjective Objective
    Hz KHz kHz VQ RVQ FSQ LLMs LMs SLMs SOTA WER PESQ STOI MOS MUSHRA LM LLM TTS ASR VC CPU GPU GAN RTF CER DNN CNN
    Transformer Evaluation Despite Even Operating Under Over Across Compared Remarkably Unlike Trained Only Speech
    Audio Music Codec Ultra Low Bitrate Frame Sampling Here Such As If Is Among Between Through Within Based English
    Mandarin Given Overall Extensive Impressively LibriSpeech LibriTTS VCTK MUSDB18 Latency Bandwidth Rate Codebook
    Codebooks
"""
_NOT_A_NAME = frozenset(_NOT_NAMES.split())
_PLAIN_NAMES = frozenset(("Opus", "Lyra", "Encodec", "Speex", "Vorbis", "Mimi", "Moshi", "Satin", "Whisper", "Llama"))


_PUBLISHED = (
    "encodec", "soundstream", "dac", "descript", "opus", "evs", "lyra", "amr", "melp", "codec2", "speex", "mp3", "aac",
    "vorbis", "hubert", "wav2vec", "wavlm", "xlsr", "mms", "mimi", "speechtokenizer", "wavtokenizer", "snac", "lpcnet",
    "gpt", "llama", "qwen", "whisper", "gemma", "mistral", "phi", "palm", "vicuna", "chatglm", "t5", "bert",
)  # fmt: skip
"""Beginnings of names that are other people's systems wherever the paper does not present them as its own."""


@lru_cache(maxsize=4096)
def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def own_names(title: str, abstract: str) -> frozenset[str]:
    """Keys of the names under which the paper presents its own system, from the title's head and "we propose X"."""
    found = [match[1] for match in (_TITLE_NAME.match(title),) if match]
    found += [match["name"] for match in _PRESENTED.finditer(abstract)]
    return frozenset(_key(name) for name in found) - {""}


def attribute(
    text: str, start: int, end: int, sentence: tuple[int, int], own: frozenset[str]
) -> tuple[Role, str | None]:
    """Role and subject of the number at `start:end` of a plain text.

    Args:
        text: plain text of the field.
        start: where the series that holds the number begins.
        end: where it ends.
        sentence: bounds of the sentence around it.
        own: see `own_names`.

    Returns:
        The role, and the system named beside the number or `None`.
    """
    left = text[max(sentence[0], start - 160) : start]
    right = text[end : min(sentence[1], end + 40)]
    name = _named(left, right, own)
    if name is not None and _is_own(name, own):
        return "own", name
    if name is not None and own and _COMPARISON.search(left):
        return "compared", name
    # words about others stop counting where the paper's own system is named after them
    since = max((found.end() for found in _TOKEN.finditer(left) if _is_own(found[0], own)), default=0) if own else 0
    if _compares(left, since, named=name is not None):
        return "compared", name
    if name is not None and _key(name).startswith(_PUBLISHED):
        return "context", name
    whole = text[sentence[0] : sentence[1]]
    others = _OTHERS.search(left, since)
    if others is not None and not _OURS.search(left):
        return ("compared", name) if name is not None else ("context", None)
    if (
        others is not None
        and since == 0
        and re.match(r"(?i)(?:existing|previous|prior|recent|current|most|conventional|traditional|typical)", whole)
    ):
        return "context", name
    return "own", name


def _compares(left: str, since: int, *, named: bool) -> bool:
    """Whether the last comparison word before a number, after `since`, still governs it."""
    if _AMOUNT.search(left) and not named:
        return False
    last = None
    for last in _COMPARISON.finditer(left, since):  # noqa: B007 - the last one is wanted
        pass
    if last is None or _OWN_AGAIN.search(left, last.end()):
        return False
    between = left[last.end() :]
    # "outperforms strong baselines, at 1 kbps": after a comma an unnamed number is the paper's own again
    return named or (len(between.split()) <= 8 and "," not in between and "(" not in between)


def _is_own(name: str, own: frozenset[str]) -> bool:
    key = _key(name)
    if key in own:
        return True
    return len(key) > 3 and any(len(mine) > 3 and (key.startswith(mine) or mine.startswith(key)) for mine in own)


def _named(left: str, right: str, own: frozenset[str]) -> str | None:
    beside = _BESIDE.search(left[-70:])
    if beside is not None:
        whole = beside["name"].strip(" .")
        for name in (whole, whole.rpartition(" ")[2]):
            if name and (_is_name(name) or _key(name) in own):
                return name
    follows = _FOLLOWS.match(right)
    if follows is not None:
        name = follows["name"].strip(" .")
        if (
            name
            and _is_name(name)
            and not (name.isupper() and name.isalpha() and not _key(name).startswith(_PUBLISHED))
        ):
            return name
    return None


def _is_name(words: str) -> bool:
    """Whether capitalised words name a system: known, or with a capital or digit inside a part of the first word."""
    first = words.split()[0]
    if first in _NOT_A_NAME or not _key(words):
        return False
    if first.isupper() and first.isalpha():
        return 2 < len(first) < 9
    inner = (sign for part in first.split("-") for sign in part[1:])
    return first in _PLAIN_NAMES or any(sign.isupper() or sign.isdigit() for sign in inner)
