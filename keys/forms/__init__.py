"""Forms of API keys, and the fields that they share with the consent of an app."""
