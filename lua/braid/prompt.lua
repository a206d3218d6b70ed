--- Facts about the place in which Braid runs.
--
-- prompt.waits: whether a user is at a prompt, to which interrupted work then returns. The command
-- sets it.
-- prompt.bar: false in a terminal; in a notebook, which sets it, a function bar(owner, share, text)
-- that draws progress in the place of what it drew before for the same owner.

return {waits = false, bar = false}
