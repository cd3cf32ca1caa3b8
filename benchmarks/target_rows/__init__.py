"""The rows of the target's benchmark that are no finished programs: peers' scripts, floors, and the input."""
