"""Throughput of `predict --input` here, what Ray itself costs per block, and an estimate for a large cluster.

    python -m edgemnist.benchmarks.studies.speed.scoring MODEL [--rows 1000000] [--ray local]

Each way is run with its first blocks and with all, the best of several times, and the difference is its pace,
so that no start is in it.
The estimate is on paper: it scales what was measured here, and names what it assumes.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ....data.datasets import load_test_split
from ....runtime import load_predictor
from ....sweep.cluster import connected
from ....sweep.scoring import on_ray, run
from ....sweep.scoring.on_ray import RayBlocks, together_of
from ....sweep.scoring.run import Job, Scorer
from ....sweep.scoring.sources import blocks_of

IMAGES, NODES, CORES = 1_000_000_000, 100, 16
NETWORK_BYTES_PER_SEC = 1.25e9  # 10 Gbit/s into each node: assumed
STORE_BYTES_PER_SEC = 10e9  # of a shared store, for all nodes together: assumed
PRICE_PER_NODE_HOUR = 0.60  # of a 16-core machine, in dollars: assumed, not asked
_TINY_BLOCKS, _FIRST, _TRIES = 316, 16, 3


Blocks = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly blocks came.

    Attributes:
        start_secs: Until the first `_FIRST` of them were there.
        block_secs: For each one after these.
        rows_per_sec: After these.
    """

    start_secs: float
    block_secs: float
    rows_per_sec: float


@dataclass(frozen=True, slots=True)
class Driver:
    """What the process costs and takes that gathers all blocks: seconds and bytes for each row."""

    row_secs: float
    received_bytes: float
    written_bytes: float


def main() -> None:
    """Measure, and print a table and the estimate, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--ray", metavar="ADDRESS", help="measure Ray too: local starts one here")
    given = parser.parse_args()
    with load_predictor(given.model) as predictor:
        sha256 = predictor.sha256
    images = load_test_split().array
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "images.npy")
        np.save(path, np.resize(images, (given.rows, *images.shape[1:])))
        job = Job(path, None, given.model, sha256)
        scorer = Scorer(job)
        wanted = blocks_of(scorer.source)
        if len(wanted) <= _FIRST:
            parser.error(f"--rows {given.rows} are too few: more than {_FIRST} blocks are needed")
        tiny = [(row, row + 1) for row in range(_TINY_BLOCKS)]
        alone = partial(_alone, scorer)
        one = _pace(alone, wanted)
        paces = {
            "one process": one,
            "two processes": _pace(partial(_in_two, job), wanted),
            "one process, a row a block": _pace(alone, tiny),
        }
        if given.ray:
            paces |= _paces_on_ray(given.ray, job, wanted, tiny)
        driver = _driver(list(alone(wanted)), Path(name, "scores.parquet"))
    _show_paces(paces, len(wanted), given.rows)
    tiny_alone = paces["one process, a row a block"].block_secs
    tiny_on_ray = [pace.block_secs for name, pace in paces.items() if "Ray" in name and "a row" in name]
    block_secs = max(0.0, min(tiny_on_ray) - tiny_alone) if tiny_on_ray else 0.0
    if tiny_on_ray:
        print(
            f"\nRay itself costs {1e3 * block_secs:.1f} ms a call of an actor, which scores a block or more."
        )
    calls = IMAGES * len(wanted) / given.rows / together_of(IMAGES, NODES * CORES)
    _show_estimate(one.rows_per_sec, images[0].nbytes, calls * block_secs, driver)


def _alone(scorer: Scorer, wanted: Blocks) -> Iterable[Any]:
    return (scorer.score(*each) for each in wanted)


def _in_two(job: Job, wanted: Blocks) -> Iterable[Any]:
    return run.in_processes(job, wanted, 2)


def _paces_on_ray(address: str, job: Job, wanted: Blocks, tiny: Blocks) -> dict[str, Pace]:
    import ray

    paces = {}
    with connected(ray, address):
        for actors in (1, 2):
            name = f"Ray, {actors} actor{'s' * (actors > 1)}"
            paces[name] = _pace(partial(RayBlocks(address, actors), job), wanted)
            single = partial(RayBlocks(address, actors, together=1), job)
            paces[f"{name}, a row a block, a block a call"] = _pace(single, tiny)
    return paces


def _pace(make: Callable[[Blocks], Iterable[Any]], wanted: Blocks) -> Pace:
    tries = [[_seconds(make, blocks) for blocks in (wanted[:_FIRST], wanted)] for _ in range(_TRIES)]
    start, whole = (min(times) for times in zip(*tries, strict=True))
    spent = max(whole - start, 1e-9)
    rows = wanted[-1][1] - wanted[_FIRST][0]
    return Pace(start, spent / (len(wanted) - _FIRST), rows / spent)


def _seconds(make: Callable[[Blocks], Iterable[Any]], wanted: Blocks) -> float:
    began = time.perf_counter()
    for _ in make(wanted):
        pass
    return time.perf_counter() - began


def _driver(tables: Sequence[Any], output: Path) -> Driver:
    """Measure what the driver does with each block: it unpacks it and writes it."""
    from pyarrow import parquet

    packed = [on_ray.packed(table) for table in tables]
    began = time.perf_counter()
    with parquet.ParquetWriter(output, tables[0].schema, compression="zstd") as writer:
        for content in packed:
            writer.write_table(on_ray.unpacked(content))
    spent, rows = time.perf_counter() - began, sum(map(len, tables))
    return Driver(spent / rows, sum(map(len, packed)) / rows, output.stat().st_size / rows)


def _show_paces(paces: dict[str, Pace], blocks: int, rows: int) -> None:
    print(f"{rows:,} rows in {blocks} blocks; of a row a block, {_TINY_BLOCKS} of them\n")
    print(f"| | start and {_FIRST} blocks | a block after these | rows a second |\n|---|---|---|---|")
    for name, pace in paces.items():
        start, block = f"{pace.start_secs:.1f} s", f"{1e3 * pace.block_secs:.1f} ms"
        print(f"| {name} | {start} | {block} | {pace.rows_per_sec:,.0f} |")


def _show_estimate(rate: float, input_bytes: int, ray_secs: float, driver: Driver) -> None:
    network, total = NETWORK_BYTES_PER_SEC, IMAGES * input_bytes
    rows = {
        "the driver's core: Ray's cost of each call": (0.0, ray_secs),
        "the driver's core: unpacking and writing one file": (0.0, IMAGES * driver.row_secs),
        "the driver's network: blocks come in": (
            IMAGES * driver.received_bytes,
            IMAGES * driver.received_bytes / network,
        ),
        "the shared store: images out, scores in": (
            total + IMAGES * driver.written_bytes,
            (total + IMAGES * driver.written_bytes) / STORE_BYTES_PER_SEC,
        ),
        f"the cores of {NODES} nodes of {CORES}": (0.0, IMAGES / (rate * NODES * CORES)),
        "the nodes' network: images come in": (total, total / (network * NODES)),
    }
    print(f"\n{IMAGES:,} images on {NODES} nodes, on paper:\n\n| what | GB | seconds |\n|---|---|---|")
    for name, (size, seconds) in sorted(rows.items(), key=lambda row: -row[1][1]):
        print(f"| {name} | {f'{size / 1e9:,.0f}' if size else ''} | {seconds:,.0f} |")
    core = sum(seconds for name, (_, seconds) in rows.items() if "driver's core" in name)
    longest = max(core, *(seconds for name, (_, seconds) in rows.items() if "driver's core" not in name))
    first = "the driver's core" if longest == core else max(rows, key=lambda name: rows[name][1])
    dollars = longest / 3600 * NODES * PRICE_PER_NODE_HOUR
    print(f"\nWhat saturates first is {first}: {longest:,.0f} s, or {dollars:,.2f} dollars at an assumed")
    print(f"{PRICE_PER_NODE_HOUR:.2f} a node-hour. Assumed too: {network / 1e9:.2f} GB/s into each node, and")
    print(f"{STORE_BYTES_PER_SEC / 1e9:.0f} GB/s out of the store for all.")


if __name__ == "__main__":
    main()
