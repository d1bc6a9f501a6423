"""From Markdown to HTML."""
