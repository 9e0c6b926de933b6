"""How bytes move: the seam between the program and a bus. No meaning of bytes belongs here."""
