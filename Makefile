# The front door. Everything happens in tools/: each target is one script.
.DEFAULT_GOAL := help
.PHONY: help setup build run test sim soak bench bench-peers bench-plots lint clean

help:  ## This list
	@echo 'Ebb: serverless AI inference that you run yourself. Start with `make run`.'
	@echo
	@sed -n 's/^\([a-z-]*\):.*##/\1:/p' Makefile | while IFS=: read -r name what; do printf '  make %-11s %s\n' "$$name" "$$what"; done

setup:  ## Install what is missing: packages (apt), the engine, the demo model, test tools
	@tools/setup.sh

build:  ## Build the programs into build/release/bin
	@tools/build.sh release

run:  ## Build, serve, ask the demo model from zero and warm, serve until Ctrl-C (ONCE=1 ends after the demo)
	@tools/run.sh

test:  ## Unit, golden and end-to-end tests, then the same under ASan/UBSan and TSan (PRESETS=release for the first only)
	@tools/test.sh

sim:  ## Hunt bugs of the control core in virtual time: make sim SEEDS=1000 MINUTES=10 (FIRST=1, PLANTED=all to test the hunt itself)
	@tools/sim.sh

soak:  ## Kill servers under load, look for others' secrets, overspend budgets, for long: make soak KILLS=2000 CANARIES=100000 CALLS=1000000 SEEDS=10000
	@tools/soak.sh

bench:  ## One benchmark: make bench NAME=zero-to-token (or wake-to-token, idle); without NAME, a list
	@tools/bench.sh "$(NAME)"

bench-peers:  ## What benchmarks compare with: nginx and wrk (apt), llama-server (npm, compiled); what plots are drawn with: matplotlib (pip)
	@tools/bench_peers.sh

bench-plots:  ## Plots in bench/out: the timeline of one wake, requests a second over concurrency (NAME=wake or throughput, REDRAW=1), cold starts of policies (NAME=policies TRACES="file …")
	@tools/bench_plots.sh $(NAME)

lint:  ## Format, layers, headers, clang-tidy, scripts
	@tools/lint.sh

clean:  ## Remove what was built; deps/ and the test tools stay
	@rm -rf build bench/out
