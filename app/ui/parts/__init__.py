"""Things drawn by hand: boards, lights, the button coach, rhythm bars, cables, QR codes."""
