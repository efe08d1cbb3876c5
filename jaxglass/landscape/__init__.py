"""The energy about a configuration: expansion, contractions, derivatives in strain and model."""
