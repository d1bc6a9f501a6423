"""Destinations of organizations: their settings, forms and deletion."""
