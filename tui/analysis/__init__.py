"""Analysis of runs: advice, comparison, sweep, prediction."""
