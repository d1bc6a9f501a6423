"""Emails about usage that the clock finds due: limits that are nearly used, models that retire."""
