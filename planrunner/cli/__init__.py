"""The command line: each command parses what it is given, lets `wire` or `document` work, renders, and gives an exit
code. The only home of click."""
