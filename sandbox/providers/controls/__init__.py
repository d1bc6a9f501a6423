"""Controls for tests and demonstrations: faults, gates, and the headers that ask for them."""
