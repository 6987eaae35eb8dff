"""Building what users install: the frozen program, its packages for each system, and the evidence of what was tried."""
