"""What boards are: facts as rows, no behaviour. Every number names its section of the specification."""
