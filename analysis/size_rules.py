"""How large: parameters of a model, entries of a codebook, and how many codebooks.

A single codebook, quantizer or token stream is a number of codebooks of 1. Sizes of corpora, of text vocabularies
and of hidden layers stay out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.quantities import WORDS, Quantity
from analysis.quantity_context import WORD, Context, Reading, Sentences

_PARAMETERS = re.compile(
    rf"(?i)[\s\-+]{{0,3}}(?!(?:less|fewer|more|additional)\b)(?:(?!multipl){WORD}[\s-]){{0,3}}?param(?:eter|s\b)"
)
_DATA = re.compile(
    rf"(?i)[\s\-+]{{0,3}}(?:of\s)?(?:(?!model|param){WORD}[\s-]){{0,4}}?(?:tokens?|words?|characters?|hours?|hrs?|"
    rf"h\b|utterances?|pairs?|images?|samples?|"
    r"documents?|frames?|data\b|datasets?|people|speakers?|songs?|tracks?|clips?|videos?|users?|sentences?|"
    r"examples?|queries|"
    r"FLOPs|multipl\w*|MACs?|operations|bytes|steps|iterations|points|seconds|minutes|recordings|instances|triplets|dollars|"
    r"downloads|"
    r"entries|codes|combinations|conversations|dialog\w*|annotations|labels|vectors|\w+-hours?)\b"
)
_MODEL_RIGHT = re.compile(
    rf"(?i)(?:\s{{1,3}}|-(?=scale|sized?))(?:{WORD}[\s-]){{0,3}}?(?:models?|llms?|lms?|slms?|networks?|encoders?|"
    rf"decoders?|versions?|variants?|backbones?|"
    r"vocoders?|codecs?|tokenizers?|transformers?|checkpoints?|weights|scales?|sizes?|counterparts?|baselines?)\b"
)
_MODEL_LEFT = re.compile(
    r"(?i)(?:model (?:size|scale|capacit)\w*|sizes?|footprint|parameters?|params|param\. count|parameter counts?|"
    r"scal(?:e|es|ed|ing)"
    r"(?: it| them| up| down| this approach| the model)*)\W{1,3}(?:\w+\W{1,2}){0,4}$|(?:models?|networks?|"
    r"backbones?|encoders?|decoders?|variants?|versions?)\s?\($"
)
_COUNTED_LEFT = re.compile(
    r"(?i)number of (?:\w+ )?parameters\W{1,2}(?:(?:is|of|to|from|only|just|about|around|was)\W{1,2}){1,3}$"
)
_SUITE_LEFT = re.compile(r"(?i)models?\)?,?\s(?:\w+\s)?(?:ranging|spanning|range|scaled)\s(?:in\s\w+\s)?(?:from\s)?$")
_CORPUS_NAME = re.compile(r"(?i)(?:pajama|wiki|corpus|data(?:set)?|web|pile|audioset|books?|text|words?|bench)-$")
_SPEECH_MODEL = re.compile(
    r"(?i)\b(?:xls-?r|mms|wav2vec[\w.]*|hubert|wavlm|whisper|w2v\w*|bert|gpt|opt|llama|qwen|t5|bloom|"
    r"pythia)(?:[\s-][\w.]+)?[\s(-]{1,2}$"
)
_NAME_BEFORE = re.compile(r"[A-Za-z][\w.]*-$")
_LABELLED = re.compile(
    r"(?i)(?:\bpi|task|track|subtask|section|table|fig(?:ure)?|experiment|group|part|class|phase|stage|type)\W{0,2}$"
)


def model_size(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    """`params_m` of a model, also in a name such as Llama-3.1-8B."""
    value, right = quantity.value, context.right
    if _PARAMETERS.match(right) and value >= 1000:
        return "params_m", value / 1e6
    if (
        value >= 1000
        and value not in range(1950, 2036)
        and _COUNTED_LEFT.search(context.left)
        and not _DATA.match(right)
    ):
        return "params_m", value / 1e6
    if quantity.unit not in ("M", "B") or _DATA.match(right) or _LABELLED.search(context.left):
        return None
    if quantity.unit == "M" and _SPEECH_MODEL.search(context.left):
        return "params_m", value / 1e6
    if _CORPUS_NAME.search(context.left):
        return None
    letter = context.written.rstrip()[-1:]
    if letter == "b" and not _NAME_BEFORE.search(context.left):
        return None
    if (
        letter in "Bb"
        or _MODEL_LEFT.search(context.left)
        or _SUITE_LEFT.search(context.left)
        or _MODEL_RIGHT.match(right)
    ):
        return "params_m", value / 1e6
    return None


_SIZE_LEFT = re.compile(
    r"(?i)(?:code-?book|vocabulary|dictionary|inventory|alphabet|cluster)[\s-](?:size|cardinalit|capacit)\w*"
    r"(?:[\s(=:,]|of|is|are|to|from|as|at|between|with|only|just|large|small|low|ranging|reduced|expanded|"
    r"increas\w+|up|set|"
    r"about|around|over|beyond|than|scal\w+|even)*$|"
    r"(?:code-?books?|vocabular(?:y|ies)|dictionar(?:y|ies)|inventor(?:y|ies))\s(?:sized?\s)?"
    r"(?:of|with|containing|has|have|consisting of|comprising|to)\s"
    r"(?:(?:size|sizes|only|just|about|around|up to|over|as few as|a|of)\s)*$|"
    r"number of (?:(?:discrete|speech|acoustic|latent|learned|hidden)\s)?(?:units|clusters|codes|codewords|centroids)"
    r"[\s(=:]*(?:of|is|to|from|K|=|,|\s)*$|\bK\s?=\s?$"
)
_SIZE_AFTER = re.compile(
    r"(?i)\W{0,3}(?:$|[,.;:)]|(?:and|or|to|for|in|with|while|which|at|on|is|are|was|the|we|our|by|from|of|as|but|"
    r"per|that|"
    r"respectively|lead|leads|give|gives|yield|yields|achiev\w+|entr\w+|codes?|code-?\w+|tokens?|units?|clusters?|"
    r"centroids|"
    r"symbols?|elements|items|vectors|discrete|distinct|audio|speech|acoustic|semantic)\b)"
)
_BOOKS_LEFT = re.compile(
    r"(?i)number of (?:(?:residual|RVQ|VQ)\s)?(?:code-?books|quanti[sz]ers|RVQ layers|quanti[sz]ation layers)\W{1,3}"
    r"(?:[a-z]+s\s)?(?:(?:from|is|to|of|between|equal to)\W{1,2}){0,2}$"
)
_SIZE_RIGHT = re.compile(
    r"(?i)[\s\-]{0,3}(?P<of>(?:(?:distinct|discrete|unique|different|learned|codebook|audio|speech|acoustic|"
    r"possible|k-?means|VQ|phone-like|hubert|"
    r"latent|semantic|shared|active|effective|cluster|phonetic|subword-like|hidden)[\s-]+){0,3})(?P<noun>codes|"
    r"code-?words?|code words|"
    r"code-?vectors?|code vectors|entry|entries|centroids|clusters|units|cluster centers|prototypes|"
    r"(?:sized?[\s-])?code-?books?|symbols)\b"
    r"(?!\s*(?:per|/|a)\s*s)"
)
_DISCRETE = re.compile(
    r"(?i)k-?means|quanti[sz]|discret|codebook|\bvq|hubert|acoustic unit|unit discovery|\bcodes\b|tokeni[sz]|"
    r"\btokens\b"
)
_AUDIO = re.compile(
    r"(?i)codebook|codec|quanti[sz]|speech token|audio token|acoustic token|semantic token|lossless audio|"
    r"sample-level|hubert|discrete"
)
_TEXT = re.compile(
    r"(?i)\bBPE\b|sentencepiece|subword|wordpiece|text token|word vocabulary|\bLLaMA|language models?\b(?!.*codec)|"
    r"scaling laws"
)
_NEURONS = re.compile(r"(?i)\b(?:LSTM|GRU|neurons?|hidden units|hidden layer|dense|fully)\b")


def _is_audio_vocabulary(context: Context) -> bool:
    named = _AUDIO.search(context.sentence) or _AUDIO.search(context.title)
    return named is not None and not _TEXT.search(context.sentence)


def number_of_codebooks(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    """`n_codebooks` where the number follows: "reduces the number of quantizers from 8 to 4"."""
    if _BOOKS_LEFT.search(context.left) and 1 <= quantity.value <= 64 and quantity.value == int(quantity.value):
        return "n_codebooks", quantity.value
    return None


def entries(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    """`codebook_size`: entries, codes, clusters or units of an audio vocabulary."""
    value = quantity.value
    if value < 2 or value > 1e12 or value != int(value):
        return None
    left, right = context.left, context.right
    cued = _SIZE_LEFT.search(left)
    if cued is not None and "book" not in cued[0].lower() and not _is_audio_vocabulary(context):
        cued = None
    if cued is not None and _SIZE_AFTER.match(right) and not re.match(r"(?i)\s*tokens? (?:per|/)", right):
        return "codebook_size", value
    named = _SIZE_RIGHT.match(right)
    if named is None or not _DISCRETE.search(context.sentence):
        return None
    noun = named["noun"].lower()
    if _NAME_BEFORE.search(left):
        return None
    if "book" in noun and value < 64:
        return None
    if noun in ("units", "symbols", "clusters") and (_NEURONS.search(context.sentence) or value < 10):
        return None
    return "codebook_size", value


_HEAD = re.compile(
    r"(?i)code(?:c)?-?books?\b|quanti[sz]ers?\b|VQs?\b(?!-)|RVQ\b|streams?\b|layers?\b|levels?\b|stages?\b|"
    r"quanti[sz]ation\b"
)
_HEAD_WORDS = ("codebook", "code-book", "codecbook", "quanti", "vq", "stream", "single-layer")
"""A text without any of them counts no codebooks: plain search is ten times faster than the pattern."""

_KINDS = (
    r"shared|residual|vector|scalar|RVQ|VQ|FSQ|unified|large|small|discrete|learned|learnable|layer|parallel|"
    r"independent|finite|"
    r"token|tokens|code|codec|product|group(?:ed)?|hierarchical|audio|speech|acoustic|semantic|separate|different|"
    r"level|stage|"
    r"residual-vector|compact|global|low-bitrate|distinct|quanti[sz]er|quanti[sz]ation|codebook|stream|cascaded|"
    r"successive"
)
_NUMBER_WORD = "|".join(WORDS)
_COUNT = re.compile(
    rf"(?i)(?:^|[\s(\"'/,:\-=])(?P<n>\d{{1,2}}|"
    rf"{_NUMBER_WORD})(?P<kind>(?:[\s\-]{{1,3}}(?:{_KINDS})){{0,3}})[\s\-]{{1,3}}$"
)
_COUNT_ANY = re.compile(
    rf"(?i)(?:^|[\s(\"'/,:\-=])(?P<n>single|two|three|four|five|six|seven|eight|nine|ten|twelve|sixteen|\d{{1,2}})"
    rf"(?P<kind>(?:[\s\-]{{1,3}}{WORD}){{1,3}}?)[\s\-]{{1,3}}$"
)
_AFTER_ONE = re.compile(r"(?i)\s(?:for each|per\b|for every|of the|is\b|at a time)")
_PICTURES = re.compile(r"(?i)[\s-](?:[\w-]+\s)?(?:visual|images?|video|face|facial|motion|gesture)\b")
_OF_ENTRIES = re.compile(r"(?i)[\s-](?:size|entr|vector|code|embedding|usage|utili|collapse|dimension)")
_OF_TOKENS = re.compile(
    r"(?i)[\s\-]{1,3}(?:of\s)?(?:[\w-]+[\s-]+){0,3}?(?:codec|codecs|tokens?|tokeni[sz]\w+|codes|quanti[sz]\w+|"
    r"discrete|codebook)\b"
)
_OF_QUANTIZERS = re.compile(
    r"(?i)(?:ed)?[\s\-]{1,3}(?:of\s)?(?:[\w-]+[\s-]+){0,2}?(?:RVQ|VQ|residual (?:vector )?quanti|quanti[sz]\w+|"
    r"codebooks?)\b"
)
_RVQ_BEFORE = re.compile(r"(?i)(?:RVQ|quanti[sz]ers?|quanti[sz]ation)\)?[\s,]+(?:with|of|using|has)\s(?:\w+\s)?$")


def codebook_counts(text: str, sentences: Sentences) -> Iterator[Reading]:
    """`n_codebooks`, read from the noun backwards: "eight residual quantizers", "a single large codebook"."""
    lower = text.lower()
    if not any(word in lower for word in _HEAD_WORDS):
        return
    for head in _HEAD.finditer(text):
        start, end = sentences.around(head.start())
        before = text[max(start, head.start() - 60) : head.start()]
        noun = head[0].lower()
        found = _COUNT.search(before)
        if found is None and noun.startswith(("code", "quantizer", "quantiser")):
            found = _COUNT_ANY.search(before)
            if found is not None and found["n"].lower() != "single" and not noun.endswith("s"):
                continue
        if found is None:
            continue
        word = found["n"].lower()
        count = WORDS.get(word) or int(word)
        after = text[head.end() : min(end, head.end() + 60)]
        left = before[: found.start("n")]
        if 1 <= count <= 64 and _counts_codebooks(noun, found["kind"].lower(), word, after, left):
            at = head.start() - len(before) + found.start("n")
            yield Reading("n_codebooks", float(count), at, head.end(), at, head.end())


def _counts_codebooks(noun: str, kind: str, word: str, after: str, left: str) -> bool:
    if _PICTURES.match(after) or any(part in kind for part in ("multi", "level-", "bit")):
        return False
    if word == "one" and (_AFTER_ONE.match(after) or "separate" in kind):
        return False
    if noun.startswith(("codebook", "code-book", "codecbook")):
        return word in ("single", "one", "dual", "double") or not _OF_ENTRIES.match(after)
    if noun.startswith("stream"):
        if word in ("dual", "double"):
            return False
        named = any(part in kind for part in ("token", "code", "quanti"))
        if word in ("single", "1", "one"):
            if re.search(r"(?i)\b(?:as|into|in|form) an?\s$", left):
                return False  # two kinds of data interleaved, not one codebook
            return named or bool(_OF_TOKENS.match(after))
        return named or bool(re.match(r"(?i)\sof (?:[\w-]+\s){0,2}(?:tokens|codes)\b", after))
    if noun.startswith(("layer", "level", "stage")):
        if noun.startswith("layer") and word == "single" and _OF_TOKENS.match(after):
            return True
        named = any(part in kind for part in ("vq", "quanti", "codebook"))
        return named or bool(_OF_QUANTIZERS.match(after)) or bool(_RVQ_BEFORE.search(left))
    if noun.startswith(("quantization", "quantisation", "rvq")):
        return word in ("single", "one") and "layer" in kind
    return True
