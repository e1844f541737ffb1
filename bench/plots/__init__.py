"""Plots, drawn from what was measured: bench/out/wake.svg and throughput.svg by `make bench-plots`, policies.svg by `make bench-plots NAME=policies`.

`wake`, `throughput` and `policies` measure and write JSON; `drawing` and `curves` make pictures of that and know nothing else.
"""
