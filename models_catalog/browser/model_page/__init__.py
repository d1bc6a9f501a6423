"""The parts of a model's page: endpoints, prices and their history, charts, code."""
