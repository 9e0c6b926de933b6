"""What bytes mean: DfuSe, the listening console, control requests. No recipe, no window, no thread."""
