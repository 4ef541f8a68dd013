"""One artifact over any input, larger than memory, into a Parquet file.

`sources` reads pictures, IDX, npy, npz and Parquet block by block; `run` scores them in processes here, and
`on_ray` on a cluster.
"""
