"""Pages for readers, and texts for programs."""
