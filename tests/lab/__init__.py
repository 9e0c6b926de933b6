"""The USB lab: a guest kernel with a real USB stack, and virtual boards on its ports."""
