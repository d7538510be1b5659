"""The full-screen program. Textual is imported nowhere else."""
