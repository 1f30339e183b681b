"""Overlays and archives: what clients download, drawn and written from stored images and items."""
