"""Two plots, drawn from what was measured: bench/out/wake.svg and throughput.svg. `make bench-plots`

`wake` and `throughput` measure and write JSON, `drawing` makes pictures of that and knows nothing else.
"""
