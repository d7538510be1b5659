"""Speeds, measured side by side and printed. Nothing here fails."""
