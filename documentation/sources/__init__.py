"""Sources of pages beside their files: facts about this site, and the OpenAPI document."""
