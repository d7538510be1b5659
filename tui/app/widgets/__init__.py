"""Parts of the screens: each draws a state, or a part of it, and knows no file and no process."""
