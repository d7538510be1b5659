"""The full-screen program's screens. They know states, runs, specs and the catalogue; they parse and start nothing."""
