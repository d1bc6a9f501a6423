"""What the clock finds in usage that people want to hear of by email."""
