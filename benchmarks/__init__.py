"""Fovea measured beside its peers: start-up, inference, responsiveness. See docs/benchmarks.md.

Every comparison is made in one run, the two sides taking turns, so that a busy computer slows both.
"""
