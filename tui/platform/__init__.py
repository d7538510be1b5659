"""What the FVP and the simulator share: command line, session in a pty, console parser, verdict and discovery."""
