"""``make greengrass``: both sets of components, from their built archives, under both emulated nuclei, on the twin.

```
python -m bench.greengrass [--only gateway-classic,split-lite] [--offline-s 180] [--keep DIR] [--json]
```
Each set is installed into an empty root and carries a plant's data to the twin's table, through: a new version while
an episode is open, a change of configuration, a restart of the IPC server, a restart of the nucleus, subscriptions
that die without a word, an hour (of the plant, which plays twenty times as fast) offline. Status 1 if something was
lost or stored twice, or did not come back.
"""

import argparse
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bench.faults.row import Row, failed, say, verdict
from bench.greengrass.sets import SETS, SPEED
from bench.greengrass.steps import RENEW_S, take_all
from bench.greengrass.trial import Archives, Trial
from bench.output import show
from operations.publishing import catalogue, targets
from operations.publishing.stage import Order, stage
from twin.cloud import Deployment, LocalCloud
from twin.nucleus.recipe import Runtime

VERSIONS: Final = ("1.0.0", "1.0.1")
RUNTIMES: Final[tuple[Runtime, ...]] = ("classic", "lite")
TRIALS: Final = {f"{name}-{runtime}": (name, runtime) for name in SETS for runtime in RUNTIMES}
_AT_ONCE: Final = 2
_PROMISE: Final = "the data flow again after each; 0 lost, 0 twice"
_ROOT: Final = Path(__file__).parents[2]


def archives(output: Path) -> Archives:
    """Stages both versions for this machine; recipes renew subscriptions every few seconds."""
    architecture = next(name for name, machine in targets.MACHINES.items() if machine == platform.machine())
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    names = tuple(catalogue.load(_ROOT).components)
    for version in VERSIONS:
        stage(
            Order(
                root=_ROOT,
                output=output,
                names=names,
                version=version,
                architectures=(architecture,),
                pythons=(python,),
            )
        )
    for recipe in (output / "local" / "recipes").iterdir():
        text = recipe.read_text(encoding="utf-8")
        hurried = text.replace(
            "    Lifecycle:\n", f'    Lifecycle:\n      Setenv:\n        THRESHER_IPC_RENEW_S: "{RENEW_S}"\n'
        )
        recipe.write_text(hurried, encoding="utf-8")
    return Archives(output / "local", VERSIONS)


def attempt(name: str, deployment: Deployment, folder: Path, *, built: Archives, offline_s: float) -> Row:
    """One set under one nucleus."""
    kind, runtime = TRIALS[name]
    folder.mkdir(parents=True)
    began_s = time.monotonic()
    try:
        with Trial(deployment, folder, components=SETS[kind], runtime=runtime, archives=built) as trial:
            trial.begin()
            taken = take_all(trial, version=VERSIONS[-1], offline_s=offline_s)
            found = trial.settle()
    except Exception as exc:  # noqa: BLE001 - one that breaks must not take the others' results along
        row = failed(name, f"{type(exc).__name__}: {exc} {getattr(exc, 'remedy', '')}".strip())
    else:
        row = Row(
            fault=name,
            injected=len(taken),
            accepted=found.accepted,
            stored=found.stored,
            declared=found.declared,
            lost=found.lost,
            duplicates=found.duplicates,
            recovery_s=max(each.seconds for each in taken),
            promise=_PROMISE,
            note="seconds until data flowed again: " + ", ".join(f"{each.name} {each.seconds}" for each in taken),
        )
    judged = verdict(row, may_declare=False, resume_s=None)
    say(judged, time.monotonic() - began_s)
    return judged


def run(names: Sequence[str], folder: Path, *, offline_s: float) -> list[Row]:
    """These, two at a time."""
    built = archives(folder / "build")
    with LocalCloud(folder / "cloud") as cloud, ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="trial") as pool:
        deployment = cloud.start()

        def one(name: str) -> Row:
            return attempt(name, deployment, folder / name, built=built, offline_s=offline_s)

        return list(pool.map(one, names))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="make greengrass", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--only", help=f"names, with commas between them, of {', '.join(TRIALS)}")
    parser.add_argument("--offline-s", type=float, default=3600 / SPEED, help="how long IoT Core is out of reach")
    parser.add_argument("--keep", type=Path, help="a folder, not there yet, for roots and logs")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")
    options = parser.parse_args(arguments)
    names = options.only.split(",") if options.only else list(TRIALS)
    if unknown := set(names) - set(TRIALS):
        parser.error(f"no such trial: {', '.join(sorted(unknown))}; there are {', '.join(TRIALS)}")
    with tempfile.TemporaryDirectory(prefix="thresher-gg-") as name:
        folder = options.keep or Path(name)
        folder.mkdir(exist_ok=True)
        rows = run(names, folder.resolve(), offline_s=options.offline_s)
    show({"greengrass": rows}, as_json=options.json)
    return 0 if all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
