"""Rebuilds the models that ship, and their card: ``python -m training.build [--output models]``.

The same source and figures give the same bytes, so a rebuild that changes a file is a change of the model.
Not here: the graph (``training.level_graph``), the card's words (``training.card_page``).
"""

import argparse
import hashlib
from pathlib import Path
from typing import Final

import msgspec

from device_agent.filters.card import CARD_NAME, ModelCard, ModelFile
from device_agent.filters.signature import BATCH_WINDOWS, CLIP_SIGMA, SPAN_SCANS, VARIANTS, WINDOW_SCANS, shapes
from training import figures, level_graph
from training.card_page import page
from training.level_graph import Build

MODELS: Final = Path(__file__).resolve().parent.parent / "models"

BUILDS: Final = tuple(
    build
    for channels in VARIANTS
    for build in (Build(channels), Build(channels, kind="int8"), Build(channels, BATCH_WINDOWS))
)


def build_all(output: Path, measured: Path = MODELS / figures.FIGURES_NAME) -> ModelCard:
    """Writes every file, both cards and the figures into a folder; returns the card.

    Args:
        output: The folder.
        measured: Figures for the card: those that ship, or an evaluation's JSON.
    """
    output.mkdir(parents=True, exist_ok=True)
    files, found = {}, figures.read(measured)
    for build in BUILDS:
        data = level_graph.build(build)
        path = output / f"{build.stem}.tflite"
        path.write_bytes(data)
        files[path.name] = ModelFile(
            channels=build.channels,
            windows=build.windows,
            kind=build.kind,
            size_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
    card = _card(files)
    (output / CARD_NAME).write_bytes(_pretty(card))
    (output / CARD_NAME).with_suffix(".md").write_text(page(card, found), encoding="utf-8")
    (output / figures.FIGURES_NAME).write_bytes(_pretty(found))
    return card


def _pretty(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _card(files: dict[str, ModelFile]) -> ModelCard:
    face = shapes(VARIANTS[0])
    return ModelCard(
        name=level_graph.NAME,
        version=level_graph.VERSION,
        summary=(
            "An exponentially weighted level per channel against a calibrated normal level. "
            "Nothing in it is learnt from data: calibration enters as tensors and stays on the device."
        ),
        window_scans=WINDOW_SCANS,
        span_scans=SPAN_SCANS,
        clip_sigma=CLIP_SIGMA,
        inputs={name: ["C" if n != WINDOW_SCANS else str(n) for n in shape] for name, shape in face.inputs.items()},
        outputs={name: ["C"] * len(shape) for name, shape in face.outputs.items()},
        operators=["SUB", "MUL", "MINIMUM", "MAXIMUM", "SUM", "DIV", "RELU", "NEG", "ADD", "REDUCE_MAX"],
        files=files,
    )


def main() -> int:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(description="Rebuild the models that ship.")
    parser.add_argument("--output", type=Path, default=MODELS)
    parser.add_argument("--figures", type=Path, default=MODELS / figures.FIGURES_NAME, help="an evaluation's JSON")
    options = parser.parse_args()
    build_all(options.output, options.figures)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
