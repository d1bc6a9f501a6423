"""Models that match a query: its parameters, their conditions, and the filters that the page offers."""
