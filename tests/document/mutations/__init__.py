"""One mistake put into a right plan: five kinds, each with a rule for the lines on which it must be told."""
