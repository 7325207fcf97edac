"""Measures the gate and its rivals on labelled recordings: ``python -m training.evaluate --data DIR``.

```
DIR ─▶ recordings ─▶ scenes (no labels) ─▶ scores of every variant (kept) ─▶ calls of every setting
                └──▶ labels ─────────────────────────────────────────────────────▶ counts ─▶ nested choice ─▶ table
```
Nothing is chosen on the files it is scored on. What the figures are worth: ``docs/evaluation.md``.
"""
