"""How the program looks. The only package that imports PySide6; it decides nothing, `app.flow` does."""
