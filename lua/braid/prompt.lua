--- Facts about the place in which Braid runs.
--
-- prompt.waits: whether a user is at a prompt. Interrupted work then returns to the prompt. The
-- command sets it.
-- prompt.bar: false in a terminal; in a notebook, which sets it, a function bar(owner, share, text)
-- that draws progress in the place of what it drew before for the same owner.

return {waits = false, bar = false}
