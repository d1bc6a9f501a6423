"""Events as they are sent, with or without prompts and responses."""
