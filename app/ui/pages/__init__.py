"""The pages on the right side of the window. They show a state and emit what the person chose; they hold no truth."""
