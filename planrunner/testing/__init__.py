"""Plan tests: cases beside a plan that say what is given to it and what is expected of it.

`case` reads and checks a test file, `run` carries a case through the real Runner under a strict script and in virtual
time, `expect` says in what the run is not what the case expects. Nothing real is ever called.
"""
