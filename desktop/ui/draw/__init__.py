"""The Draw view: a sheet of paper, what the network sees of it, and the answer while it is being drawn."""
