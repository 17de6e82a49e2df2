"""What Python's builtins and its standard library mean for values."""
