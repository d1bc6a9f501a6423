"""Attention on spending: forecast, unusual spending, and the most expensive apps and sessions."""
