"""One run as data: spec, events, journal, state, figures, store, log. Needs no terminal library."""
