--- quit(status): ends the prompt, as Ctrl-D on an empty line does.

return function(session, status)
  if not session.serves then os.exit(status or 0, true) end
  session.over = status or true
end
