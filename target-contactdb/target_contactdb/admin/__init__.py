"""`contactdb`, the admin command: looking at a contact database, and telling it what a person said."""
