"""Verbs of the terminal door that need more than one room."""
