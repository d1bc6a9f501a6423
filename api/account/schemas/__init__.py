"""JSON shapes of the management API, for its OpenAPI document.

Amounts are dollars with up to twelve decimals, moments are ISO 8601 in UTC, durations are milliseconds.
"""
