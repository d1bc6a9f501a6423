"""Whether this process can serve, and whether every queue has a worker."""
