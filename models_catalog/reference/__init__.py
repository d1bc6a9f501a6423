"""Facts that the catalog refers to: the optional parameters of requests, and families of models."""
