"""Pages of presets: the list, one preset with its versions, the form."""
