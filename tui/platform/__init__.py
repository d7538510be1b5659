"""The FVP and the simulator, driven alike: search, command line, session in a pty, console parser, verdict."""
