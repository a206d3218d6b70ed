--- Multi-task learning.

return require "braid.folder" "braid.mtl"
