"""The parameters and answers of calls: checked values, lists in pages, expanded objects."""
