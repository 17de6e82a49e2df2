"""What the linter costs, beside other tools and on its own: `python -m benchmarks --help`."""
