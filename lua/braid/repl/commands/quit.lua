--- quit(): ends the prompt, as Ctrl-D on an empty line does.

return function(session, status)
  session.over = status or true
end
