--- prompt.waits: whether someone sits at a prompt, to which what is interrupted returns. The
-- command sets it.

return {waits = false}
