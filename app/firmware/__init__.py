"""Firmware images: what is in them, where they belong, and the pack of those that bring boards back."""
