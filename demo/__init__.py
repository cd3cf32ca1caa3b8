"""The demonstration behind `make demo`: a sandbox store, two imports, and what came of them."""
