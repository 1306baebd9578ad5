"""Formats that leave and enter the graph, one file per format."""
