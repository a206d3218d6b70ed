--- What goes on around training.

return require "braid.folder" "braid.train"
