"""Real servers on loopback for tests to speak to."""
