"""What pages are made of beside their files: facts about this site, and the OpenAPI document."""
