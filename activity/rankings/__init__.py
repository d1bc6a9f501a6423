"""The public rankings of models and apps."""
