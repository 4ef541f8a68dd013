"""`bench.html`: one page with every table, chart and shown input."""
