"""The tables and charts of the rankings, as pages, the API and the catalog show them."""
