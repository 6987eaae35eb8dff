"""Teach: label, learn and correct in one loop."""
