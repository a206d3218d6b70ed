--- Files.

return require "braid.folder" "braid.io"
