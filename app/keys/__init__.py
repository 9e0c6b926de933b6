"""What a key slot holds, and the safe that cannot lose it."""
