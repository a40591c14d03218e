"""What must stay fast: generated accounts, and measurements over them. Run as `python -m benchmarks`."""
