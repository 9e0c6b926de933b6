"""A board that exists in memory: a second reading of the specification.

It imports nothing of our protocols or tables: one wrong constant must not pass on both sides. It is unforgiving
on purpose; driver code that would fail on a real board fails here.
"""
