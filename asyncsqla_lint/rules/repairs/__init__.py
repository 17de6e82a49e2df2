"""How a rule says what would mend a finding, in one line: a function here, of what its event knows."""
