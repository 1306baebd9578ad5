"""The numbers of audio codecs and tokenizers that a title and abstract state, each with its exact place.

The text is tokenised once (`analysis.quantities`), each quantity is read in its sentence (`analysis.quantity_rules`)
and attributed (`analysis.attribution`). A missing fourth number of the codec identity is derived and marked so; a
stated bitrate that breaks it is marked disputed. Only what one sentence states of one variant is put together:
values from different sentences may belong to different checkpoints.

Identity: kbps = frame rate x sum over codebooks of log2(codebook size) / 1000, Zeghidour et al. 2021, SoundStream,
arXiv 2107.03312, section III-C.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.attribution import attribute, own_names
from analysis.quantities import plain
from analysis.quantity_context import Sentences
from analysis.quantity_rules import readings
from kg.errors import InputError
from kg.identity import text_sha256
from kg.model import Field, Measured, Span, Specification

RULES = "specifications-1"
TOLERANCE = 0.05
"""How far a stated bitrate may lie from the computed one: abstracts round to two or three digits, and entropy coding
or side information moves the last few per cent."""

FloatArray = npt.NDArray[np.float64]

_IDENTITY = ("bitrate_kbps", "frame_rate_hz", "n_codebooks", "codebook_size")


class Extractor:
    """Reads the specifications out of one paper at a time; holds no state between papers."""

    rules: str

    def __init__(self) -> None:
        self.rules = RULES

    def extract(self, title: str | None, abstract: str | None) -> Measured:
        """Every specification stated in a paper's title and abstract, and what follows from them.

        Args:
            title: as the source gave it, or `None` when unknown.
            abstract: likewise.

        Returns:
            Specifications in order of place, title first, then derived ones without a span. A value that one system
            states twice is listed once, at its first place. Every span satisfies `field[start:end] == text`.
        """
        fields: list[tuple[Field, str]] = []
        if title is not None:
            fields.append(("title", title))
        if abstract is not None:
            fields.append(("abstract", abstract))
        found: list[Specification] = []
        for name, text in fields:
            found += self._field(name, text, title or "", abstract or "")
        return Measured(
            specifications=tuple(_checked(_once(found))),
            rules=self.rules,
            fields_read=tuple(name for name, _ in fields),
            text_sha256=text_sha256(title, abstract),
        )

    @staticmethod
    def _field(name: Field, text: str, title: str, abstract: str) -> list[Specification]:
        flat = plain(text)
        sentences = Sentences(flat)
        found = readings(flat, sentences, title, abstract)
        if not found:
            return []
        own = own_names(title, plain(abstract))
        result = []
        for reading in found:
            role, subject = attribute(flat, reading.opening, reading.closing, sentences.around(reading.start), own)
            span = Span(name, reading.start, reading.end, text[reading.start : reading.end])
            result.append(Specification(reading.quantity, reading.value, "stated", role, span, subject))
        return result


def to_record(id: str, measured: Measured) -> dict[str, Any]:
    """The line that `tokenatlas specs` writes for one paper.

    Returns:
        `{"id", "specifications": [{"quantity", "value", "status", "role", "subject", "field", "start", "end",
        "text"}], "rules"}`; the last four keys of a value are absent where it was derived.
    """
    values: list[dict[str, Any]] = []
    for spec in measured.specifications:
        value: dict[str, Any] = {
            "quantity": spec.quantity,
            "value": spec.value,
            "status": spec.status,
            "role": spec.role,
            "subject": spec.subject,
        }
        if spec.span is not None:
            value |= {
                "field": spec.span.field,
                "start": spec.span.start,
                "end": spec.span.end,
                "text": spec.span.text,
            }
        values.append(value)
    return {"id": id, "specifications": values, "rules": measured.rules}


def bitrate_kbps(frame_rate_hz: FloatArray, codebook_sizes: FloatArray) -> FloatArray:
    """Bitrate of each variant before entropy coding, in kbps (1 kbps = 1,000 bits per second).

    Args:
        frame_rate_hz: shape (n,), frames per second; NaN where no source states it.
        codebook_sizes: shape (n, q), entries per codebook; 1 pads a variant with fewer codebooks, NaN = not stated.

    Returns:
        Shape (n,), kbps. One unknown input makes its row NaN.

    Raises:
        InputError: a frame rate that is not positive or a size below 1; names the field and the first bad row.

    References:
        Zeghidour et al. 2021, SoundStream, arXiv 2107.03312, section III-C: frame rate x sum of log2(size) / 1000.

    Example:
        >>> bitrate_kbps(np.array([75.0]), np.full((1, 8), 1024.0))
        array([6.])
    """
    rates: FloatArray = np.asarray(frame_rate_hz, dtype=np.float64)
    sizes: FloatArray = np.asarray(codebook_sizes, dtype=np.float64)
    if rates.ndim != 1 or sizes.ndim != 2 or len(rates) != len(sizes):
        raise InputError(
            f"frame rates of shape {rates.shape} do not fit codebook sizes of shape {sizes.shape}",
            field="codebook_sizes",
            expected="shapes (n,) and (n, q)",
        )
    _refuse("frame_rate_hz", rates, np.less_equal(rates, 0), "a frame rate above 0, or NaN")
    _refuse("codebook_sizes", sizes, np.asarray((sizes < 1).any(axis=1)), "sizes of at least 1, or NaN")
    bits: FloatArray = np.log2(sizes).sum(axis=1)
    return rates * bits / 1000


def _refuse(field: str, values: FloatArray, bad: npt.NDArray[np.bool_], expected: str) -> None:
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise InputError(
            f"{field} is out of range in row {row}", field=field, at=f"row {row}", value=values[row], expected=expected
        )


def _once(found: Iterable[Specification]) -> list[Specification]:
    """Each value once per subject; one without a subject says nothing that the same value with a subject does not."""
    kept: dict[tuple[str, float, str, str | None], Specification] = {}
    for spec in found:
        kept.setdefault((spec.quantity, spec.value, spec.role, spec.subject), spec)
    named = {(spec.quantity, spec.value, spec.role) for spec in kept.values() if spec.subject is not None}
    return [
        spec
        for spec in kept.values()
        if spec.subject is not None or (spec.quantity, spec.value, spec.role) not in named
    ]


def _checked(found: list[Specification]) -> list[Specification]:
    """Add the missing fourth number of the codec identity, or mark the bitrate that breaks it.

    Both need one own value for each of the known quantities: with two frame rates or two bitrates the text speaks of
    several variants and nothing says which belongs to which.
    """
    own: dict[str, set[float]] = {name: set() for name in _IDENTITY}
    for spec in found:
        if spec.role == "own" and spec.quantity in own:
            own[spec.quantity].add(spec.value)
    if any(len(values) > 1 for values in own.values()):
        return found
    known = {name: next(iter(values)) for name, values in own.items() if values}
    if len(known) == 3:
        derived = _fourth(known)
        return found if derived is None else [*found, Specification(*derived, "derived", "own", None)]
    if len(known) == 4:
        computed = known["frame_rate_hz"] * known["n_codebooks"] * math.log2(known["codebook_size"]) / 1000
        if abs(known["bitrate_kbps"] - computed) > TOLERANCE * computed:
            return [_dispute(spec) for spec in found]
    return found


def _dispute(spec: Specification) -> Specification:
    if spec.quantity != "bitrate_kbps" or spec.role != "own":
        return spec
    return Specification(spec.quantity, spec.value, "disputed", spec.role, spec.span, spec.subject)


def _fourth(known: dict[str, float]) -> tuple[str, float] | None:
    missing = next(name for name in _IDENTITY if name not in known)
    rate, books, size = (known.get(name, 0.0) for name in _IDENTITY[1:])
    bits = known.get("bitrate_kbps", 0.0) * 1000
    if missing == "bitrate_kbps":
        return missing, float(f"{rate * books * math.log2(size) / 1000:.6g}")
    if missing == "frame_rate_hz":
        return missing, float(f"{bits / (books * math.log2(size)):.6g}")
    # counts must come out whole: a fraction means that the three numbers describe different variants
    exact = bits / (rate * math.log2(size)) if missing == "n_codebooks" else bits / (rate * books)
    whole = round(exact)
    if whole < 1 or abs(exact - whole) > TOLERANCE * whole or (missing == "codebook_size" and whole > 24):
        return None
    return missing, float(whole if missing == "n_codebooks" else 2**whole)
