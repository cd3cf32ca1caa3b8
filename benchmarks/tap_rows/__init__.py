"""The taps that ours is measured beside, each a program of its own."""
