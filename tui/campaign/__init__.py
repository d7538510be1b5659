"""Campaigns: many runs as one piece of work, resumed where it was broken off.

plan            which cells there are: a matrix or a list, from a file or from the command line
content         what a cell depends on, as one hash: what was done for it is not done again
events          what happened to a campaign, and its state
store           the folders of campaigns, and the cells that earlier ones have done
cells           what a run or an estimate says of its cell
engine          what a campaign hands its cells to
pool            cells on this machine, several at once
scheduler       a cluster's scheduler: its address, and what it demands
batch           batch systems: jobs that are workers of a scheduler of this campaign's own
jobs            those jobs under way: begun, replaced where they are lost, cancelled at the end
cluster         cells on the workers of a scheduler
bundles         files of this machine that travel to workers
archives        what travels, packed
lowered         lowered graphs that travel from one worker to others
remote          the worker's end
process         the process of a campaign: it takes cells through a pool and keeps the journal
configuration   the cells of one configuration as a row: a data set in slices, added up
result          the rows with their figures, and against another campaign
control         start, resume and stop of that process
"""
