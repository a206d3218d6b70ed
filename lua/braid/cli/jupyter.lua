--- `braid jupyter install | uninstall`: makes Braid a kernel of Jupyter's notebooks, or takes it
-- out again.

local check <const> = require "braid.check"
local kernel_spec <const> = require "braid.jupyter.kernel_spec"

local ACTS <const> = {"install", "uninstall"}

return {usage = "jupyter install|uninstall  Braid in Jupyter's notebooks",
  least = 1, most = 1, words = {ACTS}, prints = "a line on what it installed",
  options = {user = false, prefix = check.text(), python = check.text()},
  said = {user = "for this user, as without --prefix",
    prefix = "below this directory, such as /usr/local or a virtual environment",
    python = "the Python that runs the kernel; the first with ipykernel otherwise"},
  wrong = function(o, words)
    if words[1] ~= "install" and words[1] ~= "uninstall" then
      return ("wants install or uninstall, not '%s'"):format(words[1])
    end
    if o.user and o.prefix then return "--user and --prefix are two places: say one" end
    if o.python and words[1] == "uninstall" then return "--python is for install" end
  end,
  run = function(o, act)
    local directory <const> = kernel_spec.directory(o.prefix)
    if act == "uninstall" then
      kernel_spec.remove(directory)
      print("removed " .. directory)
      return
    end
    local python <const> = kernel_spec.python(o.python)
    kernel_spec.write(directory, kernel_spec.files(python, arg[0]))
    print(("installed %s, which runs in %s"):format(directory, python))
  end}
