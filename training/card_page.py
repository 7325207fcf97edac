"""A model card for people, from the card for programs and from figures that were measured."""

from typing import Final

from device_agent.filters.card import ModelCard
from training.figures import Figures, table

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

It is a statistical gate in a TFLite graph, not a neural network, and none is shipped beside it. During design a
channel-independent net was trained on injected faults with four seeds, and the residual of an autoencoder was added
to the level: neither scored above the level where its settings were chosen on other files. A net has to earn its
place that way before it ships.

| tensor | shape | meaning |
|---|---|---|
{tensors}

`C` is the number of channels of the file; a sensor with fewer leaves the rest at zero. A file for several windows
has one more axis in front of `x`, `valid` and every output. All tensors are float32: a spread below about a
ten-millionth of the reading itself drowns in rounding, so calibration never assumes one.
Operators of float32 files, all of version 1: {operators}. An int8 file has QUANTIZE, TRANSPOSE, FULLY_CONNECTED and
DEQUANTIZE besides and sums in steps of 1/127 of eight spreads, so two runtimes may differ by one step of
that sum (0.063 spreads), by twice as much where half of the readings are missing, for it is divided by what is there;
it is no faster on processors with floating point, and `filter.model` has to name it.

| file | channels | windows | arithmetic | bytes | SHA-256 |
|---|---|---|---|---|---|
{files}

## Figures

{figures}

**Protocol**: thresholds are made on the device from its own first scans (`device_agent/filters/arming.py`);
no label, no row number and no time of day enters. The rule and its constants were chosen on these recordings and on
simulated slow series (docs/adr/0023), so *frozen default* has seen them; *other files* has its remaining settings
chosen on other files, not the rule. Recordings of other kinds, and a Raspberry Pi, were not measured.
"""


def page(card: ModelCard, figures: Figures) -> str:
    """Markdown."""
    tensors = [
        f"| `{name}` | {' by '.join(shape) or 'scalar'} | {_MEANING[name]} |"
        for name, shape in [*card.inputs.items(), *card.outputs.items()]
    ]
    files = [
        f"| `{name}` | {file.channels} | {file.windows} | {file.kind} | {file.size_bytes:,} | `{file.sha256}` |"
        for name, file in card.files.items()
    ]
    return _TEMPLATE.format(
        card=card,
        tensors="\n".join(tensors),
        files="\n".join(files),
        operators=", ".join(card.operators),
        figures=table(figures),
    )
