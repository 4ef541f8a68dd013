"""Throughput of `predict --input` here, what Ray itself costs per block, and an estimate for a large cluster.

    python -m edgemnist.benchmarks.studies.speed.scoring MODEL [--rows 200000] [--ray local]

The estimate is on paper: it scales one process' rate, and names what it assumes.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from ....data.datasets import load_test_split
from ....runtime import load_predictor
from ....sweep.scoring.on_ray import RayBlocks
from ....sweep.scoring.run import Job, Scorer, score

IMAGES, NODES, CORES = 1_000_000_000, 100, 16
NETWORK_BYTES_PER_SEC = 1.25e9  # 10 Gbit/s into each node
STORAGE_BYTES_PER_SEC = 10e9  # of a shared store, for all nodes together
PRICE_PER_NODE_HOUR = 0.60  # of a 16-core machine, in dollars: assumed, not asked


def main() -> None:
    """Measure, and print a table and the estimate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--ray", metavar="ADDRESS", help="measure Ray too: local starts one here")
    given = parser.parse_args()
    with load_predictor(given.model) as predictor:
        sha256 = predictor.sha256
    images = load_test_split().array
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "images.npy")
        np.save(path, np.resize(images, (given.rows, *images.shape[1:])))
        job = Job(path, None, given.model, sha256)
        output = Path(name, "scores.parquet")
        rate = given.rows / _seconds(lambda: score(job, output))
        two = given.rows / _seconds(lambda: score(job, output, processes=2))
        row_bytes = output.stat().st_size / given.rows
        print(f"one process: {rate:,.0f} rows a second; two: {two:,.0f}, start included")
        if given.ray:
            _show_ray_cost(job, given.ray)
    _show_estimate(rate, images[0].nbytes, row_bytes)


def _show_ray_cost(job: Job, address: str) -> None:
    """Print what a block costs with Ray beyond its scoring: from many blocks of one row, against few."""
    blocks = RayBlocks(address, actors=1)
    few, many = ([(row, row + 1) for row in range(count)] for count in (10, 210))
    spent = [_seconds(partial(_exhaust, blocks, job, wanted)) for wanted in (few, many)]
    scorer = Scorer(job)
    alone = _seconds(lambda: [scorer.score(*each) for each in many]) / len(many)
    cost = (spent[1] - spent[0]) / (len(many) - len(few)) - alone
    begun = f"Ray: {spent[0]:.1f} s to start and score {len(few)} blocks"
    print(f"{begun}, then {1e3 * cost:.1f} ms a block by itself")


def _exhaust(blocks: RayBlocks, job: Job, wanted: list[tuple[int, int]]) -> None:
    for _ in blocks(job, wanted):
        pass


def _show_estimate(rate: float, input_bytes: int, output_bytes: float) -> None:
    compute = IMAGES / (rate * NODES * CORES)
    network = IMAGES * input_bytes / (NETWORK_BYTES_PER_SEC * NODES)
    storage = IMAGES * (input_bytes + output_bytes) / STORAGE_BYTES_PER_SEC
    times = {"the cores": compute, "the nodes' network": network, "the shared store": storage}
    first = max(times, key=lambda name: times[name])
    shown = ", ".join(f"{name} {seconds:,.0f} s" for name, seconds in times.items())
    dollars = max(times.values()) / 3600 * NODES * PRICE_PER_NODE_HOUR
    print(f"{IMAGES:,} images on {NODES} nodes of {CORES} cores: {IMAGES * input_bytes / 1e9:,.0f} GB in,")
    print(f"{IMAGES * output_bytes / 1e9:,.0f} GB out; {shown}: {first} saturate first.")
    print(f"About {dollars:.2f} dollars at an assumed {PRICE_PER_NODE_HOUR} a node-hour, start not included.")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
