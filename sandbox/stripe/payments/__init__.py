"""Payments from checkout to charge, and the money that goes back."""
