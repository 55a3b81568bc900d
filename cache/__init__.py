"""Blob descriptors remembered: advice, never truth."""
