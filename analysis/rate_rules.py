"""Numbers per second, and delays: bits, code frames, waveform samples, tokens, milliseconds.

What shares a unit and means something else stays out: band edges and tones (Hz), watermark payloads (bps), video
frames (fps), decoding throughput (tokens/s), frame shifts and errors (ms). A frame rate is the number of code frames
per second, a sample rate that of the waveform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.quantities import Quantity
from analysis.quantity_context import WORD, Context, Reading

_NOT_CODED = re.compile(
    r"(?i)watermark|stegano|payload|embedding (?:rate|capacity)|hidden (?:message|data)|capacity of|uncompressed|"
    r"(?:non-|un)quanti[sz]ed|"
    r"original bit[\s-]?rate|"
    r"raw (?:pcm|audio|bit)|\bpcm\b|information (?:transfer|rates?)|spik(?:e|ing)|internet|downlink|uplink"
)

_NOT_CODED_RIGHT = re.compile(
    rf"(?i)\W{{1,3}}(?:of\s)?(?:{WORD}\s){{0,2}}?(?:watermark|payload|pcm\b|uncompressed|of information)"
)


def bit_rate(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    """`bitrate_kbps`, unless the bits are hidden, sent over a network or not coded at all."""
    if quantity.value <= 0 or _NOT_CODED.search(context.left[-60:]) or _NOT_CODED_RIGHT.match(context.right):
        return None
    return "bitrate_kbps", quantity.value


_BAND_RIGHT = re.compile(
    r"(?i)\W{0,3}(?:(?:wide|narrow|wider|full|audio|speech|signal|frequency|analog)[\s-]){0,2}(?:band(?:width)?s?\b|"
    r"cut-?off|"
    r"low-?pass|high-?pass|tones?\b|sin(?:e|usoid)|modulat|notch|carrier|harmonic|resonan|components?\b|stimul|"
    r"pitch|f0\b|clock|octave|frequenc(?:y|ies)\b(?!\s(?:rate|of samp))|region\b|range\b|fundamental|EEG|vibrat|"
    r"hum\b|"
    r"and (?:above|below|beyond|higher)\b|to \d+(?:\.\d+)? ?k?Hz (?:band|range|region))"
)
_BAND_LEFT = re.compile(
    r"(?i)(?:(?<!full-)(?<!full )band-?widths?(?! ext)|cut-?off|\bbelow|\babove|\bbeyond|"
    r"(?<!token )(?<!frame )frequenc(?:y|ies)(?! (?:of samp|"
    r"rate))|(?<![\w-])bands?\b|"
    r"\bpitch|\bf0\b|fundamental|\btones?\b|modulat\w+|\bfilter\w*|vibrat\w+|\beeg\b|clock\w*|carrier|resonan\w+|"
    r"harmonics?|"
    r"\bpeaks?|notch|spectr(?:um|al) (?:content|energy|range|region)|formants?|ultraso\w+|\bmains|deviation|"
    r"errors?\b|"
    r"\bRMSE\b|\bCPU\b|screen|refresh|attenuat\w+)(?P<gap>[^.;]{0,45})$"
)
_SAMPLED = re.compile(
    r"(?i)(?<!un)(?:re|up|down|over|sub)?-?sampl(?:ed|ing|er)\b|sample[\s-]rates?|super-?resol|(?:up|down)scal|"
    r"bandwidth ext|bit-?rate of\W*$"
)
_STATED_LEFT = re.compile(
    r"(?i)(?:sampl(?:ing|e)[\s-](?:rate|frequenc)\w*|sampled at|"
    r"digiti[sz]ed at)\W{1,3}(?:(?!bandwidth)\w+\W{1,2}){0,4}$"
)
_STATED_RIGHT = re.compile(r"(?i)\W{0,3}(?:input |output )?sampl(?:ing|e)[\s-](?:rate|freq)")
_BITS_LEFT = re.compile(r"(?i)\b(?:8|12|16|20|24|32)[\s-]?bits?,? (?:and |/ ?|at )?$")
_BITS_RIGHT = re.compile(r"(?i)\s?(?:,|/|and|with|at)?\s?\d{1,2}[\s-]bits?\b")
_AUDIO_RIGHT = re.compile(
    rf"(?i)\W{{0,4}}(?:{WORD}\W{{1,2}}){{0,3}}?(?:speech|audio|music|sounds?|waveforms?|signals?|record\w+|sampl\w+|"
    rf"mono\w*|stereo\w*|"
    r"sing\w+|vocoders?|codecs?|corpus|datasets?|data|models?|versions?|inputs?|outputs?|voices?|tts|settings?|"
    r"quality|training|"
    r"resolution|generation|synthesis|tokeniz\w+|bandwidth extension|amr|gsm|opus|libri\w+|vctk|baselines?|"
    r"checkpoint|systems?|"
    r"conditions?|domains?|high-fidelity|hi-?fi|clips|detectors?|tasks?)\b"
)
_AT = re.compile(r"(?i)(?:\bat|\bfor|\bat (?:a|up to|full-band|only)|\(|s,)\s?$")
_SPEECH_BAND = re.compile(r"(?i)\b(?:full|narrow|(?:super-?)?wide)-?band\W{1,3}(?:\(?NB\)?,? )?$")
_FRAMES = re.compile(
    r"(?i)frame[\s-]?rates?|tokens?\b|tokeni[sz]\w+|\bframes?\b|latents?\b|codecs?\b|\bunits?\b|representations?|"
    r"embeddings?|"
    r"features?|temporal (?:resolution|rate|compress)|codebook|\bDFR\b|\bFFR\b|semantic|acoustic code|\bcodes\b|"
    r"quanti[sz]|"
    r"sequence|bitrate|kbps|bps\b|bit/s|downsampl|compress|hubert|encoders?\b|VAE\b|LM\b|autoregressive"
)
_TOKEN_RATE = re.compile(r"(?i)tokens?[\s-](?:rates?|frequenc\w+)\W{1,3}(?:\w+\W{1,2}){0,4}$")
_CODEC_TITLE = re.compile(r"(?i)codec|tokeni[sz]|frame[\s-]rate|speech coding|audio coding|low[\s-]bitrate")
_BELOW_TOO = re.compile(r"(?i)\W{0,3}and (?:above|below|beyond|higher)")
_RATE_STATED_ANYWHERE = re.compile(r"(?i)sampl(?:ing|e)[\s-](?:rates|frequencies)\b")
_TOKEN_RATE_RIGHT = re.compile(r"(?i)\W{1,2}token[\s-]rates?\b")
_NOT_FRAMES = re.compile(
    r"(?i)\b(?:EEG|ECG|EMG|vibrat|video|visual|camera|motion|gesture|pitch|F0|tone|modulation|accelero|imu)\b"
)
_USUAL_RATES = frozenset(
    (2000, 4000, 8000, 11025, 12000, 16000, 22000, 22050, 24000, 32000, 44000, 44100, 48000, 96000, 192000)
)
_ABOVE_BANDS = 16_000  # from here on, "at 24 kHz" names a waveform, not a tone
_MAX_FRAME_RATE = 400


def frequency(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    """`frame_rate_hz` (or `tokens_per_s` where the text says token rate) up to 400 Hz, `sample_rate_khz` above."""
    if quantity.value <= 0:
        return None
    if quantity.value <= _MAX_FRAME_RATE:
        return _frame_rate(quantity.value, context)
    return _sample_rate(quantity.value, context)


def _frame_rate(value: float, context: Context) -> tuple[str, float] | None:
    left, right = context.left, context.right
    if _TOKEN_RATE.search(left) or _TOKEN_RATE_RIGHT.match(right):
        return "tokens_per_s", value
    near = left[-70:] + " | " + right[:50]
    if _NOT_FRAMES.search(near) or (_BAND_RIGHT.match(right) and not _BELOW_TOO.match(right)):
        return None
    if not _FRAMES.search(near) and not _CODEC_TITLE.search(context.title):
        return None
    band = _BAND_LEFT.search(left)
    if band is not None and not _FRAMES.search(band["gap"]):
        return None
    return "frame_rate_hz", value


def _sample_rate(value: float, context: Context) -> tuple[str, float] | None:
    left, right = context.left, context.right
    if value > 400_000 or _BAND_RIGHT.match(right):
        return None
    stated = bool(_STATED_LEFT.search(left) or _STATED_RIGHT.match(right))
    band = _BAND_LEFT.search(left)
    if band is not None and not stated and not _SAMPLED.search(band["gap"]) and not _SAMPLED.search(right[:20]):
        return None
    if stated or (value >= 2000 and (_BITS_RIGHT.match(right) or _BITS_LEFT.search(left))):
        return "sample_rate_khz", value / 1000
    if value not in _USUAL_RATES:
        return None
    sampled = (
        _SAMPLED.search(left[-50:]) or _SAMPLED.search(right[:35]) or _RATE_STATED_ANYWHERE.search(context.sentence)
    )
    named = value > 2000 and (
        _AUDIO_RIGHT.match(right)
        or _SPEECH_BAND.search(left)
        or (value >= _ABOVE_BANDS and (_AT.search(left) or right.startswith(")")))
    )
    return ("sample_rate_khz", value / 1000) if sampled or named else None


_VIDEO = re.compile(
    r"(?i)video|visual|image|fac(?:e|ial)|camera|animat|avatar|render|lip|gesture|motion|GPU|CPU|real-?time"
)
_VIDEO_PAPER = re.compile(r"(?i)\bvideos?\b|audio-?visual|avatar|talking head")
_THROUGHPUT = re.compile(
    r"(?i)throughput|generation at|real-time|\bGPUs?\b|\bCPU|decoding speed|inference speed|generat\w+ speed|"
    r"speed-?up|serving|\bA100|\bH100|\bRTX"
)


def frames_per_second(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    """`frame_rate_hz` of a code, not of a video and not of a network at work."""
    near = context.left[-60:] + " | " + context.right[:40]
    if quantity.value <= 0 or _VIDEO.search(near) or _THROUGHPUT.search(near):
        return None
    # "25 fps" in a paper about video is the picture's
    if "fps" in context.written.lower() and (
        _VIDEO_PAPER.search(context.title) or _VIDEO_PAPER.search(context.abstract)
    ):
        return None
    return "frame_rate_hz", quantity.value


def samples_per_second(quantity: Quantity, _: Context) -> tuple[str, float] | None:
    """`sample_rate_khz`; fewer than 2,000 samples per second are no audio."""
    return ("sample_rate_khz", quantity.value / 1000) if quantity.value >= 2000 else None


def tokens_per_second(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    """`tokens_per_s` of a representation, not of a decoder at work."""
    if quantity.value <= 0 or _THROUGHPUT.search(context.left[-70:]) or _THROUGHPUT.search(context.right[:50]):
        return None
    return "tokens_per_s", quantity.value


_RATE_LEFT = re.compile(r"(?i)tokens?[\s-]rates?\W{1,3}(?:\w+\W{1,2}){0,5}$")
_TOKENS_RIGHT = re.compile(
    r"(?i)[\s-]{1,3}(?:(?:discrete|acoustic|semantic|audio|speech|codec|latent|single)[\s-]){0,3}tokens?\b(?! per)"
)
_ONE_SECOND = re.compile(
    r"(?i)(?:\bone|\b1|each|every|per|single)[\s-]seconds?\b|second of (?:audio|speech|music|sound)"
)


def tokens_of_a_second(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    """`tokens_per_s` with number and second apart: "token rates of 25 and 50", "one second becomes 40 tokens"."""
    if quantity.value <= 0 or quantity.value > 20_000:
        return None
    if _RATE_LEFT.search(context.left) and not re.match(r"\s*(?:%|x\b|times|fold)", context.right):
        return "tokens_per_s", quantity.value
    if _TOKENS_RIGHT.match(context.right) and _ONE_SECOND.search(context.sentence):
        return "tokens_per_s", quantity.value
    return None


_DELAY_LEFT = re.compile(
    r"(?i)(?P<cue>(?<!low-)latenc(?:y|ies)(?! reduction)|(?<!no )delays?\b|look-?ahead|first[\s-](?:packet|chunk|"
    r"token|audio|frame|byte|response)|"
    r"time[\s-]to[\s-]first|\bTTF\w+|\bFPL\b)|(?P<other>frames?\b(?! (?:latency|delay))|\bhop|windows?\b|"
    r"chunks?\b(?! latency)|"
    r"segments?\b|utterances?|durations?|timestamp|errors?\b|onsets?\b|\bshift|receptive|context|every|gaps?\b|RTF|"
    r"interaural|"
    r"reverb\w*|RT60|spent|history|jitter|pauses?\b|silence|length|streaming units?)"
)
_DELAY_RIGHT = re.compile(
    r"(?i)\W{0,2}(?:of\s)?(?:(?!and\b|of\b|for\b|no\b|low\b|clinical\b|network\b|"
    r"bidirectional\b)[\w-]+\W{1,2}){0,4}?"
    r"(?P<cue>(?<!low-)latenc(?:y|ies)(?! (?:reduction|improvement|decrease))|delays?\b|look-?ahead|(?:first|"
    r"initial)[\s-](?:packet|chunk|audio))"
)
_PIECE = re.compile(
    r"(?i)\W{0,2}-?(?:(?:audio|speech|input|analysis)[\s-])?(?:chunk|frame|window|hop|segment|shift|audio|speech|"
    r"utterance|clip|of (?:audio|speech)|"
    r"per (?:frame|chunk|step)|encoder frame|prompt)\w*\b(?!\W+(?:latency|delay|look-?ahead))"
)
_EVERY = re.compile(r"(?i)\b(?:every|each|windows?(?: \(here)?|hops?(?: of)?)\W{1,2}$")
_BY = re.compile(
    r"(?i)\bby (?:(?:about|around|up to|over|more than|at least|nearly|approximately|roughly|an? \w+|only)\W+){0,2}$"
)
_NOT_STREAMING = re.compile(
    r"(?i)emotion recognition|classif|keyword|wake[\s-]?word|intent\b|intents\b|interaural|group delay|"
    r"time[\s-]delay "
    r"estimation|TDOA|audiovisual sync|lip[\s-]?sync|anomaly|event detection|attention switch|switching|(?:audio|"
    r"music|"
    r"information) retriev"
)


_ZERO_DELAY = re.compile(
    r"(?i)\b(?:(?:at|with|adds?|adding|introduc\w+|has|have|of)\s)(?P<zero>zero[\s-](?:algorithmic[\s-])?(?:latency|"
    r"delay))\b"
    r"(?! (?:overhead|cost|increase|penalty))"
)


def delay(quantity: Quantity, context: Context) -> tuple[str, float] | None:
    """`latency_ms` of coding, tokenising and streaming; not a classifier's answer time, a frame or an error."""
    left, right = context.left, context.right
    if _BY.search(left) or _PIECE.match(right) or _NOT_STREAMING.search(context.sentence):
        return None
    reach = 90 if quantity.value < 1000 or quantity.value % 1000 else 40
    nearest: re.Match[str] | None = None
    for nearest in _DELAY_LEFT.finditer(left, max(0, len(left) - reach)):  # noqa: B007 - the last one is wanted
        pass
    told = nearest is not None and nearest["cue"] is not None
    if not told and (not _DELAY_RIGHT.match(right) or _EVERY.search(left)):
        return None
    if told and re.match(
        r"(?i)\W{0,2}(?:clinical|perceptual|human) (?:threshold|limit)|\s(?:\w+\s)?(?:network|latency red)", right
    ):
        return None
    if _NOT_STREAMING.search(context.title):
        return None
    return "latency_ms", quantity.value


def zero_delays(text: str) -> Iterator[Reading]:
    """Latencies of 0 ms stated in words."""
    if "zero" not in text.lower():
        return
    for found in _ZERO_DELAY.finditer(text):
        yield Reading("latency_ms", 0.0, *found.span("zero"), *found.span("zero"))
