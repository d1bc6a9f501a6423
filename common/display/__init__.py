"""Values as pages and emails show them: dates and times for their reader, and the scales of charts."""
