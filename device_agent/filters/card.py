"""What is written beside a model file: what it is, and which bytes it has.

A file that its card names must have the bytes the card states; a flipped bit inside a weight loads without
complaint otherwise. A model without a card is checked by its signature alone.
"""

import hashlib
from pathlib import Path
from typing import Final

import msgspec

from device_agent.errors import ModelError

CARD_NAME: Final = "level.card.json"


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """One variant's file.

    Attributes:
        channels: Its capacity.
        size_bytes: All of it.
        sha256: Of these bytes, in hexadecimal.
        windows: Judged at a time.
        kind: Of its arithmetic, ``float32`` or ``int8``.
    """

    channels: int
    size_bytes: int
    sha256: str
    windows: int = 1
    kind: str = "float32"


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a family of model files is.

    Attributes:
        name: Of the family.
        version: Counts changes of its bytes.
        summary: What it does, in a sentence or two.
        window_scans: How many scans it looks at.
        span_scans: Span of its weights.
        clip_sigma: A reading counts at most this many spreads.
        inputs: Shape by tensor name.
        outputs: Shape by tensor name.
        operators: TFLite operators of its float32 files, all of version 1.
        files: By file name.
    """

    name: str
    version: int
    summary: str
    window_scans: int
    span_scans: int
    clip_sigma: float
    inputs: dict[str, list[str]]
    outputs: dict[str, list[str]]
    operators: list[str]
    files: dict[str, ModelFile]


def check_against_card(path: Path, data: bytes) -> str:
    """Compares a model's bytes with the card beside it; returns its label, such as ``level-8 v1 3f0a91c2``.

    Raises:
        ModelError: The card cannot be read, or states other bytes.
    """
    digest = hashlib.sha256(data).hexdigest()
    card = _read_card(path.with_name(CARD_NAME))
    if card is None or path.name not in card.files:
        return f"{path.stem} {digest[:8]}"
    if card.files[path.name].sha256 != digest:
        raise ModelError(
            f"model {path}: its bytes are not those its card states",
            remedy="copy the model and its card again from the release",
        )
    return f"{path.stem} v{card.version} {digest[:8]}"


def check_folder(folder: Path) -> None:
    """Checks that a folder holds a card, and every file that this names, by its bytes; nothing is loaded.

    Raises:
        ModelError: It does not; names the file.
    """
    card = _read_card(folder / CARD_NAME)
    if card is None:
        raise ModelError(f"{folder}: no {CARD_NAME}", remedy="bundle the model with its card")
    for name in card.files:
        try:
            check_against_card(folder / name, (folder / name).read_bytes())
        except OSError as exc:
            raise ModelError(f"{folder / name}: {exc.strerror or exc}", remedy="bundle every file of the card") from exc


def _read_card(path: Path) -> ModelCard | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=ModelCard)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ModelError(f"model card {path}: {exc}", remedy="copy the model and its card again") from exc
