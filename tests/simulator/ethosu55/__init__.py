"""Small programs for Ethos-U55 and U65, each with its TOSA graph, and the script that made them."""
