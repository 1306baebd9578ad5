"""The five pages, one file each; a page is widgets and one call."""
