"""What outgrows one machine: many trainings and exports, and data sets of any size to score.

A sweep is a list of points (`space`). What a point needs is computed by `tasks.run`, a pure function of
bytes, in processes here (`local`) or on a Ray cluster (`cluster`); `results` keeps every answer under the
hash of its question, and `sweep` chooses, measures and writes. `scoring` runs one artifact over
any input, block by block.
"""
