"""Real clients in their newest versions, run against a site: the table of docs/clients.md."""
