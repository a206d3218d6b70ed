--- Pictures.

return require "braid.folder" "braid.plot"
