"""A state in other forms than the screen: for people to read, for programs to take."""
