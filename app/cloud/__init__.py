"""The account on a cloud server: which servers there are, and how one is asked."""
