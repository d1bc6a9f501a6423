"""Prices of endpoints: as they are stored, and parsed once for use."""
