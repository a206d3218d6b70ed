--- Reading and writing files, one module for each format.

return require "braid.folder" "braid.io"
