"""Rebuilds the models that ship, and their card: ``python -m training.build [--output models]``.

The same source gives the same bytes, so a rebuild that changes a file is a change of the model.
"""

import argparse
import hashlib
from pathlib import Path
from typing import Final

import msgspec

from device_agent.filters.card import CARD_NAME, ModelCard, ModelFile
from device_agent.filters.signature import CLIP_SIGMA, SPAN_SCANS, VARIANTS, WINDOW_SCANS, shapes
from training import level_graph

MODELS: Final = Path(__file__).resolve().parent.parent / "models"


def build_all(output: Path) -> ModelCard:
    """Writes every variant and both cards into a folder; returns the card."""
    output.mkdir(parents=True, exist_ok=True)
    files = {}
    for channels in VARIANTS:
        data = level_graph.build(channels)
        path = output / f"{level_graph.NAME}-{channels}.tflite"
        path.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        files[path.name] = ModelFile(channels=channels, size_bytes=len(data), sha256=digest)
    card = _card(files)
    (output / CARD_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    (output / CARD_NAME).with_suffix(".md").write_text(_page(card), encoding="utf-8")
    return card


def _card(files: dict[str, ModelFile]) -> ModelCard:
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
        inputs={name: ["C" if n != WINDOW_SCANS else str(n) for n in shape] for name, shape in _face()[0]},
        outputs={name: ["C"] * len(shape) for name, shape in _face()[1]},
        operators=["SUB", "MUL", "MINIMUM", "MAXIMUM", "SUM", "DIV", "RELU", "NEG", "ADD", "REDUCE_MAX"],
        files=files,
    )


def _face() -> tuple[list[tuple[str, tuple[int, ...]]], list[tuple[str, tuple[int, ...]]]]:
    face = shapes(VARIANTS[0])
    return list(face.inputs.items()), list(face.outputs.items())


def _page(card: ModelCard) -> str:
    tensors = [
        f"| `{name}` | {' by '.join(shape) or 'scalar'} | {_MEANING[name]} |"
        for name, shape in [*card.inputs.items(), *card.outputs.items()]
    ]
    files = [
        f"| `{name}` | {file.channels} | {file.size_bytes:,} | `{file.sha256}` |" for name, file in card.files.items()
    ]
    return _TEMPLATE.format(
        card=card, tensors="\n".join(tensors), files="\n".join(files), operators=", ".join(card.operators)
    )


_MEANING: Final = {
    "x": "readings in the sensor's units, oldest scan first; 0 where there is none",
    "valid": "1 for a reading, 0 for a gap",
    "mu": "centre of a channel; the calibrated median at first, follows a slow drift",
    "inv_sd": "1 / spread (1.4826 times the median absolute deviation, never below the channel's floor)",
    "inv_rise": "1 / threshold for a level above the centre; 0 switches it off",
    "inv_fall": "1 / threshold for a level below it; 0 switches it off",
    "level": "weighted mean of the clipped, standardised readings, in spreads from the centre",
    "channel_score": "distance of the level from the centre, in thresholds",
    "score": "largest channel score; 1.0 is the alarm threshold",
}

_TEMPLATE: Final = """# Model card: `{card.name}` version {card.version}

{card.summary}

**What it finds**: a lasting change of a channel's level, on a slow or noisy sensor, within a window of
{card.window_scans} scans (weights with a span of {card.span_scans} scans, newest heaviest).
**What it does not find**: a change of shape, frequency or correlation that leaves every level where it was;
a single spike (clipped at {card.clip_sigma:g} spreads); a drift slow enough for the centre to follow.

It is a statistical gate in a TFLite graph, not a neural network. On the public data tried during design no
neural network beat it, so none is shipped.

| tensor | shape | meaning |
|---|---|---|
{tensors}

`C` is the number of channels of the file; a sensor with fewer leaves the rest at zero. All tensors are float32:
a spread below about a ten-millionth of the reading itself drowns in rounding, so calibration never assumes one.
Operators, all of version 1: {operators}.

| file | channels | bytes | SHA-256 |
|---|---|---|---|
{files}

**Protocol**: thresholds are made on the device from its own first scans (`device_agent/filters/calibration.py`);
no label, no row number and no time of day enters. `python -m training.evaluate FOLDER` measures it on labelled
CSV files, one row at a time, every row from rows up to itself only.
"""


def main() -> int:
    """Command line; see the module."""
    parser = argparse.ArgumentParser(description="Rebuild the models that ship.")
    parser.add_argument("--output", type=Path, default=MODELS)
    build_all(parser.parse_args().output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
