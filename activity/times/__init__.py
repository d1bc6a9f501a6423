"""The times that a view of usage is of: periods with their buckets, and ranges that are typed."""
