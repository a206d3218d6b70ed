--- Data sets and the iteration over them.

return require "braid.folder" "braid.data"
