"""The settings pages about a person and their privacy."""
