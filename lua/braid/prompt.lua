--- prompt.waits: whether someone sits at a prompt. Interrupted work then returns to the prompt.
-- The command sets it.

return {waits = false}
