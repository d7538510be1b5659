"""The run process: it takes a spec through its stages and records the journal."""
