"""Names: public IDs of objects, names that people type, and lists of models by name."""
