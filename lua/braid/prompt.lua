--- prompt.waits: whether a user is at a prompt, to which interrupted work then returns. The command
-- sets it.

return {waits = false}
