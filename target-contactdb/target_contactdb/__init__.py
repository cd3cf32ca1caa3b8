"""A Singer target that carries customers, checkouts and their consent into a contact database."""
