--- What the place is like where Braid runs.
--
-- prompt.waits: whether a user is at a prompt, to which interrupted work then returns. The command
-- sets it.
-- prompt.bar: false, or a function bar(owner, share, text) that draws progress in place of what it
-- drew for the same owner, where that is no terminal. A notebook sets it.

return {waits = false, bar = false}
