"""Figures and errors for other systems: `/metrics`, gauges, Sentry."""
