"""Measures the tap and the target beside their peers: `make bench`."""
