"""Assets, test, approval, then what serves: what has to be so before anything changes that serves.

Decisions are pure (``steps``, ``content``); how an approval is asked for, given and read is one
module for each means (``registry``). Nothing of it is kept in a file of ours: how far a stage is
tells the platform, the forge or the ticket.
"""
